"""Long texts, made short: what is kept for years is mostly the names of ServiceTitan's fields, over and over.

Packed with a list of these names known beforehand, an invoice of 5 kB takes half a kilobyte (zlib alone makes it a kilobyte,
and short texts hardly shorter). A packed text carries a checksum: one that the disk has spoiled is noticed.
"""

from __future__ import annotations

import zlib

from stsync.state.complaints import damaged

# The rarest first. It is never edited: files of our users were written with it. zlib marks each text with the dictionary's
# checksum, so that a later, better one can stand beside this.
_NAMES = (
    b'{"attempt":,"correlation_id":","method":"POST","milliseconds":,"request_id":","status":,"system":"Business C'
    b'entral","url":"}{"carried":{"addressLine1":","addressLine2":"","city":","displayName":","email":","phoneNumb'
    b'er":","postalCode":","state":","type":"Person"},"digest":","entity":"customers","fingerprint":","key":","nat'
    b'ural_key":","request_id":","target_id":","target_number":","verb":"create","why":"}{"carried":{"applied":{"}'
    b',"base":","closed":[],"settled":false},"digest":","entity":"customerPayments","fingerprint":","journal":","k'
    b'ey":","natural_key":","request_id":","target_id":","target_number":null,"verb":"create","why":"}{"customer":'
    b'","digest":","entity":"salesInvoices","fingerprint":","key":","natural_key":","request_id":","target_id":","'
    b'target_number":","total":","verb":"create","why":"}{"amount":,"digest":","entity":"salesInvoices","key":","n'
    b'atural_key":","verb":"create"}{"notes":[],"outcome":"posted","reason":"","rules":["],"standing":"act"}{"cust'
    b'omer":","digest":","fingerprint":","total":","why":"}{"addressLine1":","addressLine2":","city":","displayNam'
    b'e":","email":","number":","phoneNumber":","postalCode":","state":","type":"Person"}{"amount":","appliesToInv'
    b'oiceId":","customerNumber":","description":","documentNumber":","externalDocumentNumber":","lineNumber":,"po'
    b'stingDate":"2026-0}{"creditMemoDate":"2026-0,"customerNumber":","customerPurchaseOrderReference":","dimensio'
    b'nSetLines":[{"code":","valueCode":"}],"dueDate":"2026-0,"externalDocumentNumber":","invoiceDate":"2026-0,"in'
    b'voiceId":","paymentTermsId":","postingDate":"2026-0,"salesCreditMemoLines":[{"description":","dimensionSetLi'
    b'nes":[{"code":","valueCode":"}],"lineObjectNumber":","lineType":"Account","quantity":","taxCode":"NONTAXABLE'
    b'","unitPrice":"}],"salesInvoiceLines":[{"description":","dimensionSetLines":[{"code":","valueCode":"}],"line'
    b'ObjectNumber":","lineType":"Account","quantity":","taxCode":"NONTAXABLE","unitPrice":"}],"shipToAddressLine1'
    b'":","shipToAddressLine2":","shipToCity":","shipToName":","shipToPostCode":","shipToState":"}{"active":true,"'
    b'createdOn":"2026-0,"customerId":,"id":,"memo":null,"modifiedOn":"2026-0,"phoneSettings":{"doNotText":false,"'
    b'phoneNumber":"},"preferences":null,"type":"MobilePhone","value":"}{"active":true,"address":{"city":","countr'
    b'y":"USA","latitude":null,"longitude":null,"state":","street":","unit":null,"zip":"},"balance":,"createdById"'
    b':,"createdOn":"2026-0,"creditLimit":null,"creditLimitBalance":null,"customFields":[],"doNotMail":false,"doNo'
    b'tService":false,"externalData":[],"id":,"mergedToId":null,"modifiedOn":"2026-0,"name":","nationalAccount":fa'
    b'lse,"paymentTermId":,"tagTypeIds":[],"taxExempt":false,"type":"Residential"}{"active":true,"appliedTo":[{"ap'
    b'pliedAmount":","appliedBy":","appliedId":,"appliedOn":"2026-0,"appliedTo":,"appliedToReferenceNumber":"}],"a'
    b'uthCode":null,"batch":{"id":,"name":","number":"},"businessUnit":{"id":,"name":"},"checkNumber":","createdBy'
    b'":","createdOn":"2026-0,"customFields":[],"customer":{"id":,"name":"},"date":"2026-0T00:00:00Z","deposit":nu'
    b'll,"generalLedgerAccount":{"detailType":","id":,"name":","number":","type":"},"id":,"memo":null,"modifiedOn"'
    b':"2026-0,"referenceNumber":","refundedPaymentId":null,"syncStatus":"Posted","total":","type":"Check","typeId'
    b'":","unappliedAmount":"0.00"}{"active":true,"adjustmentToId":null,"assignedTo":null,"balance":","batch":{"id'
    b'":,"name":","number":"},"budgetCodeId":null,"businessUnit":{"id":,"name":"},"commissionEligibilityDate":null'
    b',"createdBy":","createdOn":"2026-0,"customFields":[],"customer":{"id":,"name":"},"customerAddress":{"city":"'
    b',"country":"USA","state":","street":","unit":null,"zip":"},"depositedOn":null,"discountTotal":"0.00","dueDat'
    b'e":"2026-0T00:00:00Z","employeeInfo":null,"exportId":null,"id":,"importId":null,"invoiceConfiguration":","in'
    b'voiceDate":"2026-0T00:00:00Z","invoiceType":{"id":,"name":"Service"},"items":[{"addOn":false,"assetAccount":'
    b'null,"budgetCodeId":null,"businessUnit":{"id":,"name":"},"cost":"0.00","costOfSaleAccount":null,"createdById'
    b'":,"createdOn":"2026-0,"description":","displayInAmount":true,"displayName":null,"estimateItemId":null,"expo'
    b'rtId":null,"generalLedgerAccount":{"detailType":","id":,"name":","number":","type":"},"id":,"importId":null,'
    b'"installedEquipmentId":null,"inventory":false,"inventoryLocation":null,"inventoryLocationId":null,"inventory'
    b'Status":null,"isChargeable":true,"itemGroup":null,"memberPrice":null,"membershipTypeId":0,"modifiedOn":"2026'
    b'-0,"order":,"price":","quantity":","serviceDate":null,"skuId":0,"skuName":null,"soldHours":,"taxable":false,'
    b'"technicianId":,"total":","totalCost":"0.00","type":"Service"}],"job":{"id":,"number":","type":"Service"},"l'
    b'ocation":{"id":,"name":"},"locationAddress":{"city":","country":"USA","state":","street":","unit":null,"zip"'
    b':"},"materialSkuId":null,"membershipId":null,"modifiedOn":"2026-0,"paidOn":null,"projectId":null,"referenceN'
    b'umber":","reviewStatus":","royalty":null,"salesTax":","salesTaxCode":{"id":,"name":","taxRate":},"sentStatus'
    b'":","subTotal":","summary":null,"syncStatus":"Posted","taxZoneId":,"termName":","total":"}'
)
# 8 kB of window hold the names, and a record repeats itself. Level 3 packs in half the time of level 6, a tenth longer.
_WINDOW, _MEMORY, _LEVEL = 13, 5, 3
_ANY_WINDOW = 15
_BEGUN = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, _MEMORY, zlib.Z_DEFAULT_STRATEGY, _NAMES)


def packed(text: str) -> bytes:
    """The text, packed."""
    # Copied rather than begun anew: reading the names in takes longer than packing.
    one = _BEGUN.copy()
    return one.compress(text.encode()) + one.flush()


def unpacked(blob: bytes) -> str:
    """The text that packed was given. Raises StateError for anything else: the file was damaged or changed."""
    one = zlib.decompressobj(_ANY_WINDOW, zdict=_NAMES)
    try:
        text = one.decompress(blob)
    except zlib.error as error:
        raise damaged("that is in use", str(error)) from error
    if not one.eof or one.unused_data:
        raise damaged("that is in use", "a packed text is not whole")
    return text.decode()
