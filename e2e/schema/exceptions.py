"""Where Alpaca's OpenAPI documents say less or something else than what the real service answers: each with the reason."""

from dataclasses import dataclass, field
from typing import Callable


@dataclass(frozen=True)
class Addition:
    """A field that real answers have and the document does not name."""

    document: str
    schema: str
    field: str
    reason: str
    shape: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Correction:
    """A change of the document."""

    document: str
    reason: str
    apply: Callable[[dict], None]


SEEN = "seen in the answer of a real paper account in August 2026"

LEG = "a leg is an order: it has what the order around it has"
PAST = "real answers had it until 2026-07-06, and a broker whose time is earlier, or that is told to, has it"
SDK = "alpaca-py's model of the answer demands it"

ADDITIONS = [
    Addition("trading", "Account", "position_market_value", SEEN, {"type": "string"}),
    Addition("trading", "Account", "crypto_tier", SEEN, {"type": "integer"}),
    Addition("trading", "Account", "admin_configurations", SEEN, {"type": "object"}),
    Addition("trading", "Account", "user_configurations", SEEN, {"type": ["object", "null"]}),
    Addition("trading", "Account", "pattern_day_trader", PAST, {"type": "boolean"}),
    Addition("trading", "Account", "daytrade_count", PAST, {"type": "integer"}),
    Addition("trading", "Account", "daytrading_buying_power", PAST, {"type": "string"}),
    Addition("trading", "AccountConfigurations", "dtbp_check", PAST, {"type": "string"}),
    Addition("trading", "AccountConfigurations", "pdt_check", PAST, {"type": "string"}),
    Addition("trading", "Order", "subtag", SEEN, {"type": ["string", "null"]}),
    Addition("trading", "Order", "source", SEEN, {"type": ["string", "null"]}),
    Addition("trading", "OrderLeg", "subtag", LEG, {"type": ["string", "null"]}),
    Addition("trading", "OrderLeg", "source", LEG, {"type": ["string", "null"]}),
    Addition("trading", "OrderLeg", "expires_at", LEG, {"type": "string", "format": "date-time"}),
    Addition("trading", "TradingActivities", "account_id", SDK, {"type": "string", "format": "uuid"}),
    Addition("trading", "NonTradeActivities", "account_id", SDK, {"type": "string", "format": "uuid"}),
    Addition("trading", "NonTradeActivities", "description", SDK, {"type": "string"}),
    Addition("trading", "OptionContract", "ppind", "it can be filtered by, and real answers have it", {"type": "boolean"}),
    Addition("trading", "NonTradeActivities", "price", "Alpaca's own example of a crypto fee has it", {"type": "string"}),
]


def _leg_without_legs(document: dict) -> None:
    document["components"]["schemas"]["OrderLeg"]["properties"]["legs"] = {"type": "null"}


def _dates_of_activities(document: dict) -> None:
    document["components"]["schemas"]["NonTradeActivities"]["properties"]["date"] = {"type": "string", "format": "date"}


def _actions_in_small_letters(document: dict) -> None:
    kinds = document["components"]["schemas"]["CorporateActionCaType"]
    kinds["enum"] = kinds["enum"] + [word.lower() for word in kinds["enum"]]


def _articles_without_content(document: dict) -> None:
    del document["components"]["schemas"]["news"]["properties"]["content"]["minLength"]


def _lists(*operations: str) -> Callable[[dict], None]:
    def apply(document: dict) -> None:
        for path in document["paths"].values():
            for operation in path.values():
                if isinstance(operation, dict) and operation.get("operationId") in operations:
                    media = operation["responses"]["200"]["content"]["application/json"]
                    media["schema"] = {"anyOf": [media["schema"], {"type": "array", "items": media["schema"]}]}

    return apply


CORRECTIONS = [
    Correction("trading", "its own words are `always null for an order leg`, with type object", _leg_without_legs),
    Correction("trading", "alpaca-py's model of announcements knows small letters only", _actions_in_small_letters),
    Correction("trading", "alpaca-py's model reads a date without a time", _dates_of_activities),
    Correction("data", "`include_content` is false unless asked for, and content is empty then", _articles_without_content),
    Correction(
        "trading",
        "the descriptions of these answers say that they are arrays, and their schemas are those of an item",
        _lists("listCryptoFundingTransfers", "listCryptoFundingWallets", "listWhitelistedAddress"),
    ),
]

# Answers that no document describes and that clients rely on: (operation, status).
UNDESCRIBED_SUCCESS: set[tuple[str, int]] = set()

# Operations that no document has or whose events it describes as one list, with what each event of theirs is: a trade update, as
# the Trading API's own stream has it; an activity with the details of a fill, or with what is known of another one.
EXTRA_OPERATIONS = {
    "subscribeToActivitiesSSE": {
        "allOf": [{"$ref": "#/components/schemas/ActivityEventV2CommonFields"}],
        "required": ["details", "net_amount"],
        "properties": {
            "details": {
                "anyOf": [
                    {"$ref": "#/components/schemas/ActivityV2DetailTRD"},
                    {
                        "type": "object",
                        "required": ["system_date"],
                        "properties": {
                            "description": {"type": "string"},
                            "symbol": {"type": "string"},
                            "system_date": {"type": "string", "format": "date"},
                        },
                    },
                ]
            }
        },
    },
    "subscribeToTradesSSE": {
        "type": "object",
        "required": ["account_id", "at", "event", "event_id", "execution_id", "order", "timestamp"],
        "properties": {
            "account_id": {"type": "string", "format": "uuid"},
            "at": {"type": "string", "format": "date-time"},
            "event": {"type": "string"},
            "event_id": {"type": "string"},
            "execution_id": {"type": "string", "format": "uuid"},
            "order": {"$ref": "#/components/schemas/Order"},
            "position_qty": {"type": "string", "format": "decimal"},
            "price": {"type": "string", "format": "decimal"},
            "qty": {"type": "string", "format": "decimal"},
            "timestamp": {"type": "string", "format": "date-time"},
        },
    }
}
