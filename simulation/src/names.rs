//! Places, people and titles. Municipalities are real ones, everything else is put together at
//! random.

/// Postal code, name, and its part of the inhabitants in percent.
pub const MUNICIPALITIES: [(&str, &str, u32); 8] = [
    ("9900", "Eeklo", 24),
    ("9990", "Maldegem", 21),
    ("9940", "Evergem", 18),
    ("9950", "Lievegem", 13),
    ("9060", "Zelzate", 10),
    ("9960", "Assenede", 8),
    ("9970", "Kaprijke", 4),
    ("9980", "Sint-Laureins", 2),
];

pub const FIRST_NAMES: [&str; 20] = [
    "Emma", "Noah", "Zoë", "Lucas", "Fatima", "Mohamed", "Marie", "Jan", "Els", "Luc", "Chloé",
    "Arthur", "Yasmina", "Karel", "Hilde", "Dirk", "Nora", "Tuur", "Aïsha", "Wout",
];

pub const NAMES: [&str; 20] = [
    "Peeters",
    "Janssens",
    "Maes",
    "Jacobs",
    "Mertens",
    "Willems",
    "Claes",
    "Goossens",
    "Wouters",
    "De Smet",
    "Van den Bossche",
    "Yilmaz",
    "El Amrani",
    "D'Hondt",
    "De Clercq",
    "Lambrecht",
    "Nguyen",
    "Çelik",
    "Van Hecke",
    "Dhaenens",
];

pub const STREETS: [&str; 8] = [
    "Markt",
    "Stationsstraat",
    "Kerkstraat",
    "Molenstraat",
    "Nieuwstraat",
    "Schoolstraat",
    "Dorp",
    "Veldstraat",
];

pub const ORGANIZERS: [&str; 12] = [
    "Cultuurcentrum",
    "Zwembad",
    "Bibliotheek",
    "Jeugdhuis",
    "Speelplein",
    "Turnkring",
    "Voetbalclub",
    "Academie",
    "Filmclub",
    "Theater",
    "Muziekschool",
    "Natuurpunt",
];

pub const TITLES: [&str; 16] = [
    "Circus in het park, voor groot en klein",
    "Zwemmen op zondag",
    "Filmavond \"De Helaasheid\"",
    "Sportkamp krokusvakantie",
    "Lessenreeks gitaar",
    "Poppentheater Sproet",
    "Quiz; de grote kennis",
    "Fanfare & vrienden",
    "Rommelmarkt",
    "Kookles: wereldkeuken",
    "Natuurwandeling",
    "Voorleesuurtje",
    "Turnen voor kleuters",
    "Toneel: de buren",
    "Kunst = spelen",
    "Grabbelpas-daguitstap",
];

/// Regular prices in cents; of a free activity a point is all there is.
pub const PRICES: [i64; 12] = [0, 250, 300, 310, 500, 725, 800, 1_000, 1_250, 1_500, 2_200, 6_000];
