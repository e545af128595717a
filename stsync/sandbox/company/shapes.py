"""Every ServiceTitan row the demo company writes, with all keys of the vendor's model and null where it has nothing.

ServiceTitan facts, section 1.5: keys are present with null rather than dropped. The key order is the vendor's.
Rows are made with `filled`, so that no two rows share a list.
"""

from __future__ import annotations

from typing import Any

from stsync.sandbox.company.values import Row, words

INVOICE_KEYS = words(
    "id syncStatus budgetCodeId referenceNumber invoiceDate dueDate subTotal salesTax salesTaxCode taxZoneId total "
    "balance invoiceType customer customerAddress location locationAddress businessUnit termName createdBy batch "
    "depositedOn createdOn modifiedOn adjustmentToId job projectId royalty employeeInfo commissionEligibilityDate "
    "sentStatus reviewStatus assignedTo summary items customFields active discountTotal importId exportId "
    "materialSkuId membershipId paidOn invoiceConfiguration"
)
ITEM_KEYS = words(
    "id description quantity cost totalCost budgetCodeId inventoryLocationId inventoryLocation price type skuName "
    "skuId total inventory taxable isChargeable generalLedgerAccount costOfSaleAccount assetAccount "
    "membershipTypeId itemGroup displayName soldHours createdOn modifiedOn serviceDate order businessUnit "
    "createdById displayInAmount importId exportId inventoryStatus addOn memberPrice technicianId "
    "installedEquipmentId estimateItemId"
)
PAYMENT_KEYS = words(
    "active appliedTo authCode batch businessUnit checkNumber createdBy createdOn customer customFields date deposit "
    "generalLedgerAccount id memo modifiedOn referenceNumber refundedPaymentId syncStatus total type typeId "
    "unappliedAmount"
)
CREDIT_MEMO_KEYS = words(
    "id date referenceNumber subTotal salesTax salesTaxCode total balance appliedTo customer customerAddress "
    "location locationAddress businessUnit syncStatus batch customFields createdOn createdBy modifiedOn modifiedBy "
    "description active importId exportId"
)
CREDIT_MEMO_ITEM_KEYS = words(
    "id active description quantity cost price type skuName skuId total taxable revenueGeneralLedgerAccount "
    "expensesGeneralLedgerAccount createdOn createdBy businessUnit creditMemoId"
)
CUSTOMER_KEYS = words(
    "id active name type address customFields balance taxExempt tagTypeIds doNotMail doNotService nationalAccount "
    "createdOn createdById modifiedOn mergedToId paymentTermId creditLimit creditLimitBalance externalData"
)
CONTACT_KEYS = words("modifiedOn phoneSettings createdOn preferences id type value memo customerId active")
LOCATION_KEYS = words(
    "taxZoneId id customerId active name address customFields createdOn createdById modifiedOn mergedToId zoneId "
    "taxExempt tagTypeIds externalData"
)
BUSINESS_UNIT_KEYS = words(
    "id active name officialName email currency phoneNumber invoiceHeader invoiceMessage defaultTaxRate "
    "authorizationParagraph acknowledgementParagraph address materialSku quickbooksClass accountCode franchiseId "
    "conceptCode corporateContractNumber trade division tagTypeIds tenant createdOn modifiedOn externalData"
)
BILL_KEYS = words(
    "id purchaseOrderId syncStatus referenceNumber vendorNumber summary billDate billAmount taxAmount "
    "shippingAmount createdBy createdOn modifiedOn termName dueDate shipToDescription postDate batch businessUnit "
    "taxZone vendor shipTo budgetCodeId items customFields jobId jobNumber active"
)
BILL_ITEM_KEYS = words(
    "order name description quantity cost inventoryLocation serialNumber generalLedgerAccount costOfSaleAccount "
    "assetAccount id skuId receiptItemId skuType skuCode budgetCodeId"
)
SERVICE_KEYS = words(
    "id code displayName description warranty categories price memberPrice addOnPrice addOnMemberPrice taxable "
    "account hours isLabor recommendations upgrades assets serviceMaterials serviceEquipment active crossSaleGroup "
    "paysCommission bonus commissionBonus modifiedOn source externalId externalData businessUnitId cost createdOn "
    "soldByCommission defaultAssetUrl budgetCostCode budgetCostType"
)
MATERIAL_KEYS = words(
    "id code displayName description cost active price memberPrice addOnPrice addOnMemberPrice hours bonus "
    "commissionBonus paysCommission deductAsJobCost unitOfMeasure isInventory account costOfSaleAccount "
    "assetAccount taxable primaryVendor otherVendors categories assets modifiedOn source externalId externalData "
    "isConfigurableMaterial chargeableByDefault variationsOrConfigurableMaterials businessUnitId createdById "
    "createdOn displayInAmount generalLedgerAccountId isOtherDirectCost costTypeId defaultAssetUrl budgetCostCode "
    "budgetCostType"
)
EQUIPMENT_KEYS = words(
    "id code displayName description active price memberPrice addOnPrice addOnMemberPrice manufacturer model "
    "manufacturerWarranty serviceProviderWarranty categories assets recommendations upgrades equipmentMaterials "
    "primaryVendor otherVendors account costOfSaleAccount assetAccount crossSaleGroup paysCommission bonus "
    "commissionBonus hours taxable cost unitOfMeasure isInventory modifiedOn source externalId externalData "
    "isConfigurableEquipment variationsOrConfigurableEquipment typeId displayInAmount generalLedgerAccountId "
    "createdOn defaultAssetUrl dimensions budgetCostCode budgetCostType"
)
CATEGORY_KEYS = words(
    "id name active description image parentId position categoryType subcategories businessUnitIds skuImages "
    "skuVideos source externalId hideInMobile createdOn modifiedOn"
)
DISCOUNT_AND_FEE_KEYS = words(
    "id type code displayName description amountType amount limit taxable categories hours assets account "
    "crossSaleGroup active bonus commissionBonus paysCommission excludeFromPayroll externalData budgetCostCode "
    "budgetCostType createdOn modifiedOn"
)

# Lists that the vendor sends empty rather than null.
_EMPTY_LISTS = frozenset(
    words(
        "customFields tagTypeIds externalData recommendations upgrades assets serviceMaterials serviceEquipment "
        "equipmentMaterials otherVendors variationsOrConfigurableMaterials variationsOrConfigurableEquipment "
        "subcategories businessUnitIds skuImages skuVideos"
    )
)


def filled(keys: list[str], **values: Any) -> Row:
    """A row with every key: the given values, an empty list where the vendor sends one, else null.

    Raises KeyError for a value that the vendor's model has no key for.
    """
    row: Row = {key: [] if key in _EMPTY_LISTS else None for key in keys}
    for key, value in values.items():
        if key not in row:
            raise KeyError(key)
        row[key] = value
    return row


def named(row_id: int, name: str) -> Row:
    """ServiceTitan's link to another object: its id and its name at the time of reading."""
    return {"id": row_id, "name": name}
