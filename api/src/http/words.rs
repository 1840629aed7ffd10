//! How the values of the domain are described in OpenAPI. The domain knows nothing of HTTP, so the
//! shapes at the doors say which of these words describes a field.

use strum::VariantNames;
use utoipa::openapi::schema::{Array, Object, ObjectBuilder, SchemaFormat};
use utoipa::openapi::{KnownFormat, Type};

/// R-ID-01: 13 digits; the check digit is no matter of a pattern.
pub fn uitpas_number() -> Object {
    pattern("^[0-9]{13}$").description(Some("UiTPAS number: 13 digits.")).build()
}

/// R-ID-02, with or without separators.
pub fn insz_number() -> Object {
    let words = "INSZ: 11 digits; dots, dashes and blanks may stand between them.";
    pattern("^[0-9][0-9. -]{9,}[0-9]$").description(Some(words)).build()
}

/// R-ID-03.
pub fn chip_number() -> Object {
    pattern("^[0-9A-Fa-f]{14}$").description(Some("14 hexadecimal digits.")).build()
}

fn pattern(pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern))
}

/// An amount of euro, to the cent.
pub fn price() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Number)
        .minimum(Some(0))
        .maximum(Some(9999.99))
        .description(Some("Euro, at most two decimals."))
        .build()
}

/// A calendar day.
pub fn day() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
        .build()
}

/// Text of at most so many characters.
pub fn text<const MAX: usize>() -> Object {
    ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(MAX)).build()
}

/// An address on the web.
pub fn web_address() -> Object {
    pattern("^https?://[A-Za-z0-9]").max_length(Some(500)).build()
}

pub fn web_addresses() -> Array {
    Array::new(web_address())
}

/// One of the words of an enum.
pub fn of<E: VariantNames>() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(E::VARIANTS.iter().copied()))
        .build()
}

/// Words of an enum.
pub fn list_of<E: VariantNames>() -> Array {
    Array::new(of::<E>())
}

/// The same for what may be left out of a body: null says that too.
pub mod optional {
    use serde_json::Value;
    use strum::VariantNames;
    use utoipa::openapi::Type;
    use utoipa::openapi::schema::{Object, SchemaType};

    fn or_null(mut object: Object) -> Object {
        if let SchemaType::Type(of) = object.schema_type {
            object.schema_type = SchemaType::from_iter([of, Type::Null]);
        }
        if let Some(words) = &mut object.enum_values {
            words.push(Value::Null);
        }
        object
    }

    pub fn uitpas_number() -> Object {
        or_null(super::uitpas_number())
    }

    pub fn insz_number() -> Object {
        or_null(super::insz_number())
    }

    pub fn chip_number() -> Object {
        or_null(super::chip_number())
    }

    pub fn web_address() -> Object {
        or_null(super::web_address())
    }

    pub fn price() -> Object {
        or_null(super::price())
    }

    pub fn day() -> Object {
        or_null(super::day())
    }

    pub fn text<const MAX: usize>() -> Object {
        or_null(super::text::<MAX>())
    }

    pub fn of<E: VariantNames>() -> Object {
        or_null(super::of::<E>())
    }
}
