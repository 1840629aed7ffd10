"""A client of the UiTPAS API 4.0, written with the standard library alone, as an integration would be.

It reads on its standard input where the server is, the tokens and what there is in the region, walks the flows of the
contract, and prints the name of each flow that went well.
"""

import base64
import datetime
import io
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
import zipfile

# How often a server that is busy is asked again, after the time that it says.
BUSY_MAX = 30
PROBLEMS = "https://api.publiq.be/probs/"


class Refused(Exception):
    """An answer of 400 or more."""

    def __init__(self, status, problem, retry_after):
        super().__init__(f"{status} {problem}")
        self.status, self.problem, self.retry_after = status, problem, int(retry_after or 0)
        self.kind = problem["type"].removeprefix(PROBLEMS)


class Client:
    # Up to where in the log anybody here was answered.
    position = 0

    def __init__(self, base, **headers):
        self.base, self.headers = base, headers

    def call(self, method, path, body=None, **query):
        query = {name: value for name, value in query.items() if value is not None}
        address = self.base + path + ("?" + urllib.parse.urlencode(query, doseq=True) if query else "")
        # What one of us wrote, the others read.
        headers = {**self.headers, "Uitpas-After": str(Client.position)}
        if method != "GET":
            headers["Idempotency-Key"] = str(uuid.uuid4())
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(address, data=data, headers=headers, method=method)
        for _ in range(BUSY_MAX):
            try:
                return self.once(request)
            except Refused as refusal:
                # The same key again: it happens once.
                if refusal.status != 503:
                    raise
                time.sleep(refusal.retry_after)
        return self.once(request)

    @staticmethod
    def once(request):
        try:
            with urllib.request.urlopen(request) as answer:
                content, kind = answer.read(), answer.headers.get("Content-Type")
                Client.position = max(Client.position, int(answer.headers.get("Uitpas-Position", 0)))
                if kind and kind.startswith("application/json"):
                    return answer.status, json.loads(content)
                return answer.status, content
        except urllib.error.HTTPError as refusal:
            kind = refusal.headers["Content-Type"]
            assert kind == "application/problem+json", f"{refusal.code} as {kind}"
            problem = json.loads(refusal.read())
            assert problem["status"] == refusal.code and problem["title"], problem
            raise Refused(refusal.code, problem, refusal.headers["Retry-After"]) from None

    def get(self, path, **query):
        status, body = self.call("GET", path, **query)
        assert status == 200, status
        return body

    def expect(self, status, method, path, body=None, **query):
        answered, content = self.call(method, path, body, **query)
        assert answered == status, f"{method} {path}: {answered}"
        return content


def refused(kind, status, call):
    """What the call is refused by, which must be of this kind."""
    try:
        call()
    except Refused as refusal:
        assert (refusal.kind, refusal.status) == (kind, status), refusal
        return refusal.problem
    raise AssertionError(f"not refused as {kind}")


def insz(born, serial):
    """A national number of somebody born before 2000."""
    nine = int(born.strftime("%y%m%d")) * 1000 + serial
    return f"{nine:09d}{97 - nine % 97:02d}"


class Flows:
    def __init__(self, world):
        def client(name, part="/v4"):
            return Client(world["base"] + part, Authorization=f"Bearer {world['tokens'][name]}")

        self.desk, self.admin, self.ksb = client("desk"), client("admin"), client("ksb")
        self.elsewhere, self.shop = client("elsewhere"), client("shop")
        # What a visitor of a web site does: it says its name, and shows no token.
        self.website = {"x-client-id": world["website"]}
        self.web = Client(world["base"] + "/v4", **self.website)
        self.back_office = client("ksb", "/admin/v1")
        self.world, self.organizer, self.base = world, world["organizer"], world["base"] + "/v4"

    def person(self, card, serial):
        born = datetime.date(1985, 3, 9)
        return {
            "name": "Dewaele", "firstName": "Jef", "dateOfBirth": born.isoformat(),
            "inszNumber": insz(born, serial), "email": "jef@voorbeeld.example", "legalTermsPaper": True,
            "address": {"street": "Kerkstraat 3", "postalCode": "9981", "city": "Meerdal", "country": "be"},
            "optInPreferences": {
                "serviceMails": True, "milestoneMails": False, "infoMails": False, "sms": False, "post": False,
            },
            "registrationOrganizer": {"id": self.organizer}, "registrationCardType": "NFC_CARD",
            "registrationUitpasNumber": card,
        }

    def counter_registration(self):
        """Card, national number, price, registration."""
        card = self.world["regular"][0]
        known = self.desk.get("/cards", uitpasNumber=card)
        assert (known["status"], known["socialTariff"]) == ("LOCAL_STOCK", False), known
        told = refused("uitpas/invalid-card-status", 400, lambda: self.desk.get("/passes", identifier=card))
        assert told["cardStatus"] == "LOCAL_STOCK" and told["endUserMessage"]["nl"], told
        person = self.person(card, 101)
        status = f"/passholders/status/insz-numbers/{person['inszNumber']}"
        assert self.desk.get(status) == {"state": "UNUSED"}
        price = self.desk.get(
            "/passholders/membership-prices/1", postalCode="9981", dateOfBirth=person["dateOfBirth"],
            cardType="NFC_CARD",
        )
        assert price["price"] == 5 and price["label"] and price["description"], price
        made = self.desk.expect(200, "POST", "/passholders", person)
        assert made["uitpasNumber"] == card and made["points"] == 0, made
        assert made["cardSystemMemberships"][0]["currentCard"]["status"] == "ACTIVE", made
        assert self.desk.get(status) == {"state": "USED"}
        found = self.desk.get("/passholders", uitpasNumber=card)
        assert (found["totalItems"], found["member"]) == (1, [made]), found
        self.passholder, self.card = made["id"], card

    def save_and_pay_with_points(self):
        """May one save, saving, the reward, may it be had, taking it, giving it back."""
        event = self.world["events"]["film"]
        assert self.desk.get("/checkin-status", uitpasNumber=self.card, eventId=event) == {"allowed": True}
        saved = self.desk.expect(201, "POST", "/checkins", {"eventId": event, "uitpasNumber": self.card})
        assert saved["points"] == 1 and saved["passholder"]["id"] == self.passholder, saved
        again = self.desk.get("/checkin-status", uitpasNumber=self.card, eventId=event)
        assert again["allowed"] is False and again["endUserMessage"]["nl"], again
        refused("uitpas/checkin-not-allowed", 400, lambda: self.desk.call(
            "POST", "/checkins", {"eventId": event, "uitpasNumber": self.card}))
        new = self.ksb.expect(200, "POST", "/rewards", {
            "title": "Koffie", "type": "POINTS", "points": 1, "promotionalDescription": "Een kop koffie.",
            "publicationPeriod": {"begin": "2026-01-01T00:00:00+01:00"}, "categories": ["Eten en drinken"],
            "moreInfoURL": "https://voorbeeld.example/koffie", "organizers": [{"id": self.organizer}],
        })
        listed = self.desk.get("/rewards", organizerId=[self.organizer], isRedeemableByPassholderId=self.passholder)
        assert [reward["id"] for reward in listed["member"]] == [new["id"]], listed
        reward = self.desk.get(f"/rewards/{new['id']}")
        may = lambda: self.desk.get(f"/rewards/{reward['id']}/redeem-status", uitpasNumber=self.card)
        assert may() == {"redeemable": True}
        assert self.desk.get("/passes", identifier=self.card)["points"] == 1
        taken = self.desk.expect(
            201, "POST", "/rewards/redeemed", {"rewardId": reward["id"], "uitpasNumber": self.card})
        assert self.desk.get("/passes", identifier=self.card)["points"] == 0
        assert may()["reason"] == "PASSHOLDER_POINTS"
        history = self.desk.get("/rewards/redeemed", passholderId=self.passholder, organizerId=[self.organizer])
        assert [of["id"] for of in history["member"]] == [taken["id"]], history
        self.ksb.expect(204, "DELETE", f"/rewards/redeemed/{taken['id']}")
        assert self.desk.get("/passes", identifier=self.card)["points"] == 1
        self.desk.expect(204, "DELETE", f"/checkins/{saved['id']}")
        assert self.desk.get("/passes", identifier=self.card)["points"] == 0

    def grant_social_tariff(self):
        """What would it come to, what does it cost, the new card; later only the end date moves."""
        path = f"/passholders/{self.passholder}/memberships/1"
        preview = self.desk.get(path, socialTariff="true", organizerId=self.organizer)
        assert preview["type"] == "REPLACE_MEMBERSHIP" and not preview["addressChangeRequired"], preview
        price = self.desk.get(f"/passholders/{self.passholder}/membership-prices/1", socialTariff="true",
                              cardType="NFC_CARD")
        assert price["price"] >= 0, price
        card = self.world["social"][0]
        self.desk.expect(201, "POST", path, {
            "cardType": "NFC_CARD", "uitpasNumber": card, "registrationOrganizer": {"id": self.organizer},
            "socialTariff": {"socialTariffEndDate": preview["socialTariffEndDate"], "proof": "living-wage"},
        })
        refused("uitpas/invalid-card-status", 400, lambda: self.desk.get("/passes", identifier=self.card))
        self.card = card
        assert self.desk.get("/passes", identifier=card)["socialTariff"]["status"] == "ACTIVE"
        preview = self.desk.get(path, socialTariff="true", organizerId=self.organizer)
        assert preview["type"] == "NOT_POSSIBLE", preview
        person = self.desk.get(f"/passholders/{self.passholder}")
        later = datetime.date.fromisoformat(person["cardSystemMemberships"][0]["socialTariff"]["endDate"][:10])
        person["registrationSocialTariffEndDate"] = (later + datetime.timedelta(days=365)).isoformat()
        self.desk.expect(204, "PUT", f"/passholders/{self.passholder}", person)

    def ticket_sale(self):
        """Whose pass, what does it cost, sold just before the payment; the payment fails, and it is undone."""
        event = self.world["events"]["play"]
        holder = self.desk.get("/passes", identifier=self.card)
        assert (holder["passType"], holder["passholderId"]) == ("INDIVIDUAL", self.passholder), holder
        offered = self.desk.get("/tariffs", regularPrice=3.1, eventId=event, uitpasNumber=self.card)
        tariff = offered["available"][0]
        assert (tariff["type"], tariff["price"], tariff["remaining"]) == ("SOCIALTARIFF", 0.62, 1), offered
        assert self.desk.get("/tariffs/static", regularPrice=3.1, eventId=event)["available"][0]["price"] == 0.62
        ticket = {"regularPrice": 3.1, "tariff": {"id": tariff["id"]}, "eventId": event, "uitpasNumber": self.card}
        sold = self.desk.expect(200, "POST", "/ticket-sales", [ticket])
        assert [of["tariff"]["price"] for of in sold] == [0.62] and sold[0]["passholder"]["id"] == self.passholder
        spent = self.desk.get("/tariffs", regularPrice=3.1, eventId=event, uitpasNumber=self.card)
        assert spent["available"] == [] and spent["endUserMessage"]["nl"], spent
        refused("uitpas/maximum-reached", 400, lambda: self.desk.call("POST", "/ticket-sales", [ticket]))
        self.desk.expect(204, "DELETE", f"/ticket-sales/{sold[0]['id']}")
        refused("uitpas/ticket-sale-not-found", 404,
                lambda: self.desk.call("DELETE", f"/ticket-sales/{sold[0]['id']}"))
        listed = self.desk.get("/ticket-sales", passholderId=self.passholder, organizerId=[self.organizer])
        assert listed == {"totalItems": 0, "member": []}, listed
        self.desk.expect(200, "POST", "/ticket-sales", [ticket])

    def kiosk(self):
        """The device becomes a kiosk, shows what is on, and takes a scan; staff fix the event."""
        made = self.back_office.expect(
            201, "POST", "/kiosks", {"name": "Inkomhal", "organizers": [self.organizer], "cardSystemId": 1})
        setup = Client(self.base, **{"x-custom-token": made["configurationCode"]})
        device = {"name": "Inkomhal", "deviceId": "een-toestel-in-de-inkomhal"}
        kiosk = setup.expect(200, "PUT", "/kiosk-devices/setup", device)
        screen = Client(self.base, **{"x-custom-token": kiosk["deviceId"]})
        event = self.world["events"]["show"]
        fixed = f"/kiosks/{kiosk['id']}/fixed-event"
        refused("uitpas/event-not-found", 404, lambda: self.desk.get(fixed))
        self.desk.expect(204, "PUT", fixed, {"id": event})
        shown = screen.get("/kiosk-devices/checkins")
        assert shown["event"]["id"] == event and shown["checkinCode"], shown
        chip = self.world["chip"]
        before = screen.get(f"/kiosk-devices/chip-numbers/{chip}")["totalPoints"]
        saved = screen.expect(200, "POST", "/kiosk-devices/checkins", {"chipNumber": chip})
        assert saved == {"newPoints": 1, "totalPoints": before + 1}, saved
        refused("uitpas/maximum-reached", 400,
                lambda: screen.call("POST", "/kiosk-devices/checkins", {"chipNumber": chip}))
        self.desk.expect(204, "DELETE", fixed)

    def report(self):
        """Suggested periods, a report, its state, and the link to its files."""
        reports = f"/organizers/{self.organizer}/financial-reports"
        assert len(self.admin.get(reports + "/periods")) > 3
        refused("auth/forbidden", 403, lambda: self.desk.get(reports + "/periods"))
        today = self.world["today"]
        asked = self.admin.expect(200, "POST", reports, {"startDate": today, "endDate": today})
        while (state := self.admin.get(f"{reports}/{asked['id']}"))["status"] == "STARTED":
            pass
        assert state["status"] == "AVAILABLE", state
        assert state["id"] in [report["id"] for report in self.admin.get(reports)]
        link = self.admin.get(f"{reports}/{asked['id']}/download-link")["downloadLink"]
        with urllib.request.urlopen(link) as answer:
            files = zipfile.ZipFile(io.BytesIO(answer.read())).namelist()
        assert any(name.endswith(".csv") for name in files), files

    def event(self):
        """An event is unknown until it is registered; then its card systems and settings are there."""
        refused("uitpas/event-not-found", 404, lambda: self.desk.get("/events/nergens/card-systems"))
        event = self.world["events"]["show"]
        systems = self.desk.get(f"/events/{event}/card-systems")
        assert [(system["id"], system["enabled"]) for system in systems] == [(1, True)], systems
        self.admin.expect(204, "PUT", f"/events/{event}/card-systems", systems)
        settings = self.desk.get(f"/events/{event}/settings")
        settings["checkinLimit"] = {"volume": 2, "periodType": "DAY"}
        self.ksb.expect(204, "PUT", f"/events/{event}/settings", settings)
        assert self.desk.get(f"/events/{event}/settings") == settings

    def upgrade(self):
        """To the card system where he goes to live: may it be, what does it cost, the card; his status goes along."""
        there = self.world["elsewhere"]
        path = f"/passholders/{self.passholder}/memberships/2"
        preview = self.elsewhere.get(path, socialTariff="true", organizerId=there["organizer"])
        assert preview["type"] == "NEW_MEMBERSHIP" and preview["addressChangeRequired"], preview
        price = self.elsewhere.get(f"/passholders/{self.passholder}/membership-prices/2", socialTariff="true",
                                   cardType="NFC_CARD")
        assert price["price"] >= 0, price
        asked = {
            "cardType": "NFC_CARD", "uitpasNumber": there["card"],
            "registrationOrganizer": {"id": there["organizer"]},
            "socialTariff": {"socialTariffEndDate": preview["socialTariffEndDate"], "proof": "living-wage"},
        }
        refused("uitpas/invalid-city", 400, lambda: self.elsewhere.call("POST", path, asked))
        asked["address"] = {"street": "Dorp 1", "postalCode": "9050", "city": "Overstroom"}
        self.elsewhere.expect(201, "POST", path, asked)
        held = self.elsewhere.get("/passes", identifier=there["card"])
        assert (held["passholderId"], held["socialTariff"]["status"]) == (self.passholder, "ACTIVE"), held
        left = self.back_office.get("/card-systems/1/memberships-to-block")["member"]
        assert [(of["passholderId"], of["supersededBy"]) for of in left] == [(self.passholder, 2)], left
        self.card = there["card"]

    def link(self, name, token):
        """Whoever has logged in links his UiTID by the registration token."""
        headers = {"Authorization": f"Bearer {self.world['tokens'][name]}", "x-registration-token": token}
        user = Client(self.base, **headers)
        user.expect(201, "PUT", "/passholders/me/uitid")
        return user.get("/passholders/me")

    def uitid(self):
        """A token for the card and the date of birth, is there a UiTID, may the address be used, the link."""
        shown = base64.b64encode(f"{self.card}:1985-03-09".encode()).decode()
        known = Client(self.base, Authorization=f"Basic {shown}", **self.website)
        token = known.get("/passholders/me/uitid/registration-token")["token"]
        holder = Client(self.base, **{"x-registration-token": token}, **self.website)
        status = lambda: holder.get("/passholders/me/uitid/status")["state"]
        address = lambda: self.web.get("/uitid/emails/jef@voorbeeld.example")["state"]
        assert (status(), address()) == ("UNREGISTERED", "UITID_UNREGISTERED")
        assert self.link("jef", token)["id"] == self.passholder
        assert (status(), address()) == ("REGISTERED", "UITPAS_ALREADY_LINKED")
        refused("uitpas/passholder-already-registered", 400, lambda: self.link("jef", token))

    def order(self):
        """Which card system, what does it cost, the order, its payment, the link of who ordered."""
        [system] = self.web.get("/card-systems", city=["Meerdal"])["member"]
        path = f"/card-systems/{system['id']}"
        cities = self.web.get(path + "/city-settings", postalCode=["9981"])
        assert [city["city"] for city in cities] == ["MEERDAL"], cities
        prices = self.web.get(path + "/membership-prices", cardType="DIGITAL")
        assert [of["price"] for of in prices] == [5, 0], prices
        born = datetime.date(1991, 5, 4)
        price = self.web.get(f"/passholders/membership-prices/{system['id']}", postalCode="9981",
                             dateOfBirth=born.isoformat(), cardType="DIGITAL")["price"]
        person = {
            "name": "Dewaele", "firstName": "Marie", "dateOfBirth": born.isoformat(),
            "inszNumber": insz(born, 103), "email": "marie@voorbeeld.example",
            "address": {"street": "Kerkstraat 3", "postalCode": "9981", "city": "Meerdal"},
            "registrationOrganizer": {"id": self.organizer}, "registrationCardSystemId": system["id"],
        }
        placed = self.shop.expect(200, "POST", "/orders", {"mainPassholderRegistration": person})
        assert (placed["status"], placed["totalPrice"]) == ("PENDING_PAYMENT", price), placed
        returned = Client(self.base, **{"x-custom-token": placed["customToken"]})
        state = lambda: returned.get(f"/orders/{placed['id']}")
        assert state()["status"] == "PENDING_PAYMENT"
        self.back_office.expect(204, "PUT", f"/orders/{placed['id']}/payment")
        paid = state()
        assert paid["status"] == "PENDING_UITID_CONNECT", paid
        assert self.link("marie", paid["registrationToken"])["firstName"] == "Marie"
        assert state()["status"] == "COMPLETED"


def main():
    flows = Flows(json.load(sys.stdin))
    for flow in (
        flows.counter_registration, flows.save_and_pay_with_points, flows.grant_social_tariff, flows.ticket_sale,
        flows.kiosk, flows.report, flows.event, flows.upgrade, flows.uitid, flows.order,
    ):
        flow()
        print(flow.__name__)


main()
