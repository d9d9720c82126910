"""The shape of an EPCIS 2.0 document in JSON, written from the standards' text (EPCIS 2.0 and CBV 2.0)."""

URI = {"type": "string", "format": "uri", "pattern": r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$"}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"}
PLACE = {"type": "object", "required": ["id"], "properties": {"id": URI}}

BIZ_STEPS = [
    "accepting",
    "arriving",
    "assembling",
    "collecting",
    "commissioning",
    "consigning",
    "creating_class_instance",
    "cycle_counting",
    "decommissioning",
    "departing",
    "destroying",
    "disassembling",
    "dispensing",
    "encoding",
    "entering_exiting",
    "holding",
    "inspecting",
    "installing",
    "killing",
    "loading",
    "other",
    "packing",
    "picking",
    "receiving",
    "removing",
    "repackaging",
    "repairing",
    "replacing",
    "reserving",
    "retail_selling",
    "sampling",
    "sensor_reporting",
    "shipping",
    "staging_outbound",
    "stock_taking",
    "stocking",
    "storing",
    "transporting",
    "unloading",
    "unpacking",
    "void_shipping",
]
DISPOSITIONS = [
    "active",
    "available",
    "completeness_verified",
    "completeness_inferred",
    "conformant",
    "container_closed",
    "container_open",
    "damaged",
    "destroyed",
    "dispensed",
    "disposed",
    "encoded",
    "expired",
    "in_progress",
    "in_transit",
    "inactive",
    "mismatch_class",
    "mismatch_instance",
    "mismatch_quantity",
    "needs_replacement",
    "no_pedigree_match",
    "non_conformant",
    "non_sellable_other",
    "partially_dispensed",
    "recalled",
    "reserved",
    "retail_sold",
    "returned",
    "sellable_accessible",
    "sellable_not_accessible",
    "stolen",
    "unavailable",
    "unknown",
]

COMMON = {
    "@context": {},
    "type": {"enum": ["ObjectEvent", "AggregationEvent"]},
    "eventID": URI,
    "eventTime": TIME,
    "recordTime": TIME,
    "eventTimeZoneOffset": {"type": "string", "pattern": r"^[+-]((0\d|1[0-3]):[0-5]\d|14:00)$"},
    "errorDeclaration": {
        "type": "object", "required": ["declarationTime"], "additionalProperties": False,
        "properties": {
            "declarationTime": TIME, "reason": {"enum": ["did_not_occur", "incorrect_data"]},
            "correctiveEventIDs": {"type": "array", "items": URI},
        },
    },
    "action": {"enum": ["ADD", "OBSERVE", "DELETE"]},
    "bizStep": {"enum": BIZ_STEPS},
    "disposition": {"enum": DISPOSITIONS},
    "readPoint": PLACE,
    "bizLocation": PLACE,
    "bizTransactionList": {
        "type": "array",
        "items": {
            "type": "object", "required": ["bizTransaction"], "additionalProperties": False,
            "properties": {
                "type": {"enum": [
                    "bol", "cert", "desadv", "inv", "pedigree", "po",
                    "poc", "prodorder", "recadv", "rma", "testprd", "testres"
                ]},
                "bizTransaction": URI,
            },
        },
    },
}  # fmt: skip
EXTENSIONS = {r"^[a-z]+:\w+$": {}}
"""A member of ours carries a prefix that the context declares."""


def _event(type_: str, own: dict, required: list[str]) -> dict:
    return {
        "type": "object",
        "properties": {**COMMON, **own, "type": {"const": type_}},
        "patternProperties": EXTENSIONS,
        "required": ["type", "eventTime", "eventTimeZoneOffset", "action", *required],
        "additionalProperties": False,
    }


OBJECT_EVENT = _event("ObjectEvent", {"epcList": {"type": "array", "items": URI, "uniqueItems": True}}, ["epcList"])
AGGREGATION_EVENT = _event(
    "AggregationEvent",
    {"parentID": URI, "childEPCs": {"type": "array", "items": URI, "uniqueItems": True}},
    ["parentID", "childEPCs"],
)
DOCUMENT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["@context", "type", "schemaVersion", "creationDate", "epcisBody"],
    "additionalProperties": False,
    "properties": {
        "@context": {
            "type": "array", "uniqueItems": True,
            "contains": {"const": "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"},
            "items": {"anyOf": [URI, {"type": "object", "additionalProperties": URI}]},
        },
        "id": URI,
        "type": {"const": "EPCISDocument"},
        "schemaVersion": {"const": "2.0"},
        "creationDate": TIME,
        "epcisBody": {
            "type": "object", "required": ["eventList"], "additionalProperties": False,
            "properties": {"eventList": {"type": "array", "items": {"oneOf": [OBJECT_EVENT, AGGREGATION_EVENT]}}},
        },
    },
}  # fmt: skip
