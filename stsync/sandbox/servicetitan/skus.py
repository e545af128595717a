"""The pricebook's kinds: what may be written to each, what a new row holds, and what a read shows (facts 3.9).

Accounts are names, not ids (trap 29). Not modelled: dynamic pricing, images, vendors' sub-accounts, links'
existence (a service may name a material that is not there).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from stsync.sandbox.servicetitan.bodies import (
    Check,
    array,
    boolean,
    guid,
    integer,
    nullable,
    number,
    one_of,
    record,
    text,
)
from stsync.sandbox.servicetitan.table import Row

ZERO = Decimal("0.00")
_LINK = record({"skuId": integer, "quantity": number}, ("skuId", "quantity"))
_ASSET = record(
    {
        "type": one_of("Other", "Image", "Video", "Attachment", "VideoFile"),
        "alias": nullable(text),
        "url": text,
        "isDefault": nullable(boolean),
    },
    ("type", "url"),
)
_WARRANTY = record({"duration": integer, "description": nullable(text)}, ("duration",))
_SUB_ACCOUNT = record({"cost": number, "accountName": text}, ("cost", "accountName"))
_VENDOR = record(
    {
        "vendorId": integer,
        "memo": nullable(text),
        "vendorPart": nullable(text),
        "cost": number,
        "active": boolean,
        "primarySubAccount": nullable(_SUB_ACCOUNT),
        "otherSubAccounts": nullable(array(_SUB_ACCOUNT)),
    },
    ("vendorId", "cost", "active"),
)
_RECOMMENDATION = record({"skuId": integer, "type": one_of("Service", "Material")}, ("skuId", "type"))
_PAIRS = array(record({"key": text, "value": nullable(text)}, ("key",)))
EXTERNAL_DATA = record(
    {"patchMode": nullable(one_of("Replace", "Merge")), "applicationGuid": guid, "externalData": _PAIRS},
    ("applicationGuid", "externalData"),
)


def _all(check: Check, names: str) -> dict[str, Check]:
    return dict.fromkeys(names.split(), check)


def _each(value: object, names: str) -> Row:
    return dict.fromkeys(names.split(), value)


_COMMON: dict[str, Check] = {
    **_all(text, "code displayName description account intacctGlGroupAccount budgetCostCode budgetCostType"),
    **_all(number, "price memberPrice addOnPrice addOnMemberPrice hours bonus commissionBonus"),
    **_all(boolean, "taxable active paysCommission"),
    **_all(array(integer), "categories"),
    "assets": array(_ASSET),
}
_STOCKED: dict[str, Check] = {
    **_all(text, "unitOfMeasure costOfSaleAccount assetAccount"),
    **_all(boolean, "isInventory"),
    "cost": number,
    "primaryVendor": _VENDOR,
    "otherVendors": array(_VENDOR),
}
_SERVICE: dict[str, Check] = {
    **_COMMON,
    "warranty": _WARRANTY,
    "crossSaleGroup": text,
    "isLabor": boolean,
    **_all(array(integer), "recommendations upgrades"),
    **_all(array(_LINK), "serviceMaterials serviceEquipment"),
}
_MATERIAL: dict[str, Check] = {
    **_COMMON,
    **_STOCKED,
    **_all(boolean, "deductAsJobCost isConfigurableMaterial chargeableByDefault"),
    "variationMaterials": array(integer),
    "costTypeId": nullable(integer),
}
_EQUIPMENT: dict[str, Check] = {
    **_COMMON,
    **_STOCKED,
    **_all(text, "manufacturer model crossSaleGroup"),
    **_all(_WARRANTY, "manufacturerWarranty serviceProviderWarranty"),
    "recommendations": array(_RECOMMENDATION),
    **_all(array(integer), "upgrades variationEquipment"),
    "equipmentMaterials": array(_LINK),
    "isConfigurableEquipment": boolean,
    "dimensions": record(_all(nullable(number), "height width depth")),
}
_CATEGORY: dict[str, Check] = {
    **_all(text, "name description image"),
    "active": boolean,
    "parentId": nullable(integer),
    "position": integer,
    "categoryType": one_of("Services", "Materials"),
    "businessUnitIds": array(integer),
    **_all(array(text), "skuImages skuVideos"),
}

_COMMON_ROW: Row = {
    **_each(None, "id code displayName account source externalId defaultAssetUrl budgetCostCode budgetCostType"),
    **_each(ZERO, "price memberPrice addOnPrice addOnMemberPrice hours bonus commissionBonus cost"),
    "description": "",
    "active": True,
    "taxable": True,
    "paysCommission": True,
    "categories": [],
    "assets": [],
    "externalData": None,
    "createdOn": None,
    "modifiedOn": None,
}
_STOCKED_ROW: Row = {
    **_COMMON_ROW,
    "unitOfMeasure": "Each",
    "isInventory": False,
    "costOfSaleAccount": None,
    "assetAccount": None,
    "primaryVendor": None,
    "otherVendors": [],
    "displayInAmount": True,
    "generalLedgerAccountId": None,
}
_SERVICE_ROW: Row = {
    **_COMMON_ROW,
    **_each(None, "crossSaleGroup businessUnitId"),
    "warranty": None,
    "isLabor": False,
    "recommendations": [],
    "upgrades": [],
    "serviceMaterials": [],
    "serviceEquipment": [],
    "soldByCommission": ZERO,
}
_MATERIAL_ROW: Row = {
    **_STOCKED_ROW,
    **_each(None, "businessUnitId costTypeId"),
    "deductAsJobCost": False,
    "isConfigurableMaterial": False,
    "chargeableByDefault": True,
    "variationsOrConfigurableMaterials": [],
    "createdById": 1,
    "isOtherDirectCost": False,
}
_EQUIPMENT_ROW: Row = {
    **_STOCKED_ROW,
    **_each(None, "manufacturer model crossSaleGroup typeId dimensions"),
    "manufacturerWarranty": {"duration": 0, "description": None},
    "serviceProviderWarranty": {"duration": 0, "description": None},
    "recommendations": [],
    "upgrades": [],
    "equipmentMaterials": [],
    "isConfigurableEquipment": False,
    "variationsOrConfigurableEquipment": [],
}
_CATEGORY_ROW: Row = {
    **_each(None, "id name description image parentId source externalId createdOn modifiedOn"),
    "active": True,
    "position": 0,
    "categoryType": "Services",
    "subcategories": [],
    "businessUnitIds": [],
    "skuImages": [],
    "skuVideos": [],
    "hideInMobile": False,
}


@dataclass(frozen=True)
class Kind:
    """One kind of pricebook row: fields a create and a patch may hold, required ones, and a blank row."""

    table: str
    singular: str
    fields: Mapping[str, Check]
    required: tuple[str, ...]
    blank: Mapping[str, Any]
    create_only: Mapping[str, Check]
    renamed: Mapping[str, str]
    """Written under one name, read under another."""

    @property
    def patch_fields(self) -> dict[str, Check]:
        """Facts 3.9: all optional, none nullable."""
        external = {} if self.table == "categories" else {"externalData": nullable(EXTERNAL_DATA)}
        return {**self.fields, **external}

    @property
    def create_fields(self) -> dict[str, Check]:
        """All optional but the required ones, null allowed."""
        optional = {**self.patch_fields, **self.create_only}
        return {n: c if n in self.required else nullable(c) for n, c in optional.items()}

    @property
    def bulk_required(self) -> tuple[str, ...]:
        """Trap 29: a bulk PATCH wants whole rows."""
        return ("id", *(name for name in self.fields if name not in ("costTypeId", "parentId")))


SERVICES = Kind("services", "Service", _SERVICE, ("code", "description"), _SERVICE_ROW, {}, {})
MATERIALS = Kind(
    "materials",
    "Material",
    _MATERIAL,
    ("code", "description"),
    _MATERIAL_ROW,
    {"isOtherDirectCost": boolean},
    {"variationMaterials": "variationsOrConfigurableMaterials"},
)
EQUIPMENT = Kind(
    "equipment",
    "Equipment",
    _EQUIPMENT,
    ("code", "description"),
    _EQUIPMENT_ROW,
    {},
    {"variationEquipment": "variationsOrConfigurableEquipment"},
)
CATEGORIES = Kind("categories", "Category", _CATEGORY, ("name", "categoryType"), _CATEGORY_ROW, {}, {})
KINDS = (SERVICES, MATERIALS, EQUIPMENT, CATEGORIES)
BULK = {"services": SERVICES, "equipment": EQUIPMENT, "materials": MATERIALS}
