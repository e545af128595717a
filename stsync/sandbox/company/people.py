"""Names, addresses and telephone numbers of people who do not exist.

Telephone numbers are from the range kept for fiction (555-01xx), e-mail addresses from `example` domains.
"""

from __future__ import annotations

from random import Random

from stsync.sandbox.company.chart import Zone
from stsync.sandbox.company.values import Row, words

_FIRST = words(
    "Alma Andre Anita Arturo Beth Brian Carla Carlos Cheryl Curtis Dana Darnell Denise Diego Donna Earl Elena Eric "
    "Esther Felix Frances Gabriel Gloria Grant Hannah Hector Ingrid Isaac Jana Jerome Joan Jorge Karen Keith Lena "
    "Leon Lucia Luis Maria Marcus Nadia Neil Nora Omar Pamela Pedro Quinn Ramona Ray Rosa Samuel Sonia Stella Terry "
    "Tomas Ursula Victor Wanda Yvonne Zachary"
)
_LAST = words(
    "Abbott Acosta Barnes Begay Bennett Calderon Castillo Chavez Coleman Cruz Delgado Dixon Duran Ellison Espinoza "
    "Farrell Fuentes Garza Gibson Goldberg Hale Hardy Herrera Holt Ibarra Jenkins Keller Lambert Lindqvist Lozano "
    "Maddox Marin McBride Mendez Nakai Navarro Nguyen Okafor Olsen Ortega Padilla Parker Quintero Ramsey Reyes "
    "Romero Salazar Santos Shaw Silva Stark Tanaka Trujillo Tsosie Underwood Valdez Vega Walsh Whitfield Yazzie Zamora"
)
_STREETS = words(
    "Agave|Acacia|Bell|Cactus|Camelback|Canyon|Cholla|Desert Willow|Dobson|Elliot|Greenway|Guadalupe|Hayden|"
    "Indian School|Ironwood|Juniper|Lincoln|Mesquite|Mountain View|Northern|Ocotillo|Palo Verde|Pecos|Pinnacle|"
    "Saguaro|Shea|Southern|Thomas|Thunderbird|Union Hills|Val Vista|Warner|Yucca",
    "|",
)
_TRADE_NAMES = words(
    "Dental Group|Property Management|Apartments|Bakery|Storage|Medical Plaza|Charter School|Brewing|HOA",
    "|",
)
_BUSINESS = ("Saguaro", "Sunstone", "Red Mesa", "Desert Crown", "Palo Vista", "Kiva", "Mirage", "Juniper", "Cobalt")


def person_name(rng: Random) -> str:
    """A residential customer's name."""
    return f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"


def business_name(rng: Random) -> str:
    """A commercial customer's name."""
    return f"{rng.choice(_BUSINESS)} {rng.choice(_TRADE_NAMES)} {rng.randint(1, 99)}"


def address(rng: Random, zone: Zone) -> Row:
    """A street address in the zone's city."""
    street = (
        f"{rng.randint(101, 19999)} {rng.choice('NSEW')} {rng.choice(_STREETS)} {rng.choice(('St', 'Ave', 'Rd', 'Dr'))}"
    )
    unit = f"Unit {rng.randint(1, 240)}" if rng.random() < 0.12 else None
    return {
        "street": street,
        "unit": unit,
        "city": zone.city,
        "state": "AZ",
        "zip": zone.zip,
        "country": "USA",
        "latitude": None,
        "longitude": None,
    }


def phone(rng: Random) -> str:
    """Ten digits, as ServiceTitan keeps them."""
    return f"{rng.choice(('480', '602', '623'))}55501{rng.randint(0, 99):02d}"


def email(name: str, customer_id: int) -> str:
    """An address that is one customer's alone."""
    local = "".join(letter for letter in name.lower().replace(" ", ".") if letter.isascii() and letter not in "'&,")
    return f"{local}.{customer_id}@mail.example"
