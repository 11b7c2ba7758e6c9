"""The part of Shopify's Admin schema that the sandbox plays: types with their fields, arguments, sort keys, scopes.

What lives here: names only. What does not: what a field's value is (reading.py). A field that is not named here does
not exist, and asking for it is answered as Shopify answers it. The older fields of a customer (email, phone,
emailMarketingConsent, smsMarketingConsent) still exist beside defaultEmailAddress and defaultPhoneNumber.
"""

from __future__ import annotations

from dataclasses import dataclass

_MONEY_OF_AN_ORDER = (
    "subtotalPriceSet currentSubtotalPriceSet totalPriceSet currentTotalPriceSet totalDiscountsSet"
    " currentTotalDiscountsSet totalTaxSet currentTotalTaxSet totalShippingPriceSet totalRefundedSet"
    " totalRefundedShippingSet totalReceivedSet netPaymentSet totalOutstandingSet"
)
_MONEY_OF_A_CHECKOUT = (
    "totalPriceSet subtotalPriceSet totalTaxSet totalDiscountSet totalLineItemsPriceSet totalDutiesSet"
)
# A bare name is a scalar, [X] a list of scalars or objects, XConnection a connection of X, else an object; what ends in
# Set is a MoneyBag.
_TEXT = f"""
QueryRoot: customers:CustomerConnection orders:OrderConnection products:ProductConnection
  abandonedCheckouts:AbandonedCheckoutConnection customersCount:Count ordersCount:Count productsCount:Count
  abandonedCheckoutsCount:Count node:Node nodes:[Node] customer:Customer order:Order product:Product shop:Shop
  bulkOperation:BulkOperation currentBulkOperation:BulkOperation currentAppInstallation:AppInstallation
Mutation: bulkOperationRunQuery:BulkOperationRunQueryPayload bulkOperationCancel:BulkOperationCancelPayload
Node: id
Count: count precision
Shop: id name myshopifyDomain currencyCode ianaTimezone
AppInstallation: id accessScopes:[AccessScope]
AccessScope: handle
PageInfo: hasNextPage hasPreviousPage startCursor endCursor
BulkOperationRunQueryPayload: bulkOperation:BulkOperation userErrors:[BulkOperationUserError]
BulkOperationCancelPayload: bulkOperation:BulkOperation userErrors:[BulkOperationUserError]
BulkOperationUserError: field message code
BulkOperation: id status type errorCode createdAt completedAt objectCount rootObjectCount fileSize url partialDataUrl
  query
MoneyV2: amount currencyCode
MoneyBag: shopMoney:MoneyV2 presentmentMoney:MoneyV2
Attribute: key value
Metafield: id namespace key value type createdAt updatedAt
MailingAddress: id firstName lastName name company address1 address2 city province provinceCode country countryCodeV2
  zip phone
Customer: id legacyResourceId firstName lastName displayName email phone createdAt updatedAt numberOfOrders
  amountSpent:MoneyV2 emailMarketingConsent:CustomerEmailMarketingConsentState
  smsMarketingConsent:CustomerSmsMarketingConsentState defaultEmailAddress:CustomerEmailAddress
  defaultPhoneNumber:CustomerPhoneNumber state tags:[String] locale verifiedEmail taxExempt note lastOrder:Order
  defaultAddress:MailingAddress addresses:[MailingAddress] lifetimeDuration productSubscriberStatus dataSaleOptOut
  metafield:Metafield metafields:MetafieldConnection
CustomerEmailAddress: emailAddress marketingState marketingOptInLevel marketingUpdatedAt validFormat
CustomerPhoneNumber: phoneNumber marketingState marketingOptInLevel marketingUpdatedAt marketingCollectedFrom
CustomerEmailMarketingConsentState: marketingState marketingOptInLevel consentUpdatedAt
CustomerSmsMarketingConsentState: marketingState marketingOptInLevel consentUpdatedAt consentCollectedFrom
Order: id legacyResourceId name number email phone createdAt processedAt updatedAt cancelledAt cancelReason closedAt
  closed confirmed test currencyCode presentmentCurrencyCode displayFinancialStatus displayFulfillmentStatus
  taxesIncluded {_MONEY_OF_AN_ORDER} discountCode discountCodes:[String] sourceName customerLocale tags:[String] note
  customer:Customer lineItems:LineItemConnection shippingLines:ShippingLineConnection refunds:[Refund]
  transactions:[OrderTransaction] billingAddress:MailingAddress shippingAddress:MailingAddress
  customAttributes:[Attribute] customerJourneySummary:CustomerJourneySummary metafield:Metafield
  metafields:MetafieldConnection
CustomerJourneySummary: customerOrderIndex daysToConversion ready
LineItem: id title name quantity currentQuantity refundableQuantity unfulfilledQuantity sku vendor variantTitle
  product:Product variant:ProductVariant originalUnitPriceSet discountedUnitPriceSet originalTotalSet
  discountedTotalSet totalDiscountSet discountAllocations:[DiscountAllocation] taxLines:[TaxLine] isGiftCard taxable
  requiresShipping customAttributes:[Attribute]
DiscountAllocation: allocatedAmountSet
TaxLine: title rate ratePercentage priceSet
ShippingLine: id title code originalPriceSet discountedPriceSet currentDiscountedPriceSet
OrderTransaction: id kind status gateway amountSet createdAt processedAt
Refund: id legacyResourceId createdAt updatedAt note totalRefundedSet order:Order
  refundLineItems:RefundLineItemConnection refundShippingLines:RefundShippingLineConnection
  orderAdjustments:OrderAdjustmentConnection transactions:OrderTransactionConnection
RefundLineItem: id quantity lineItem:LineItem priceSet subtotalSet totalTaxSet restockType restocked
RefundShippingLine: id shippingLine:ShippingLine subtotalAmountSet taxAmountSet
OrderAdjustment: id amountSet taxAmountSet reason
Product: id legacyResourceId title handle productType vendor status createdAt updatedAt publishedAt tags:[String]
  totalInventory variants:ProductVariantConnection metafield:Metafield metafields:MetafieldConnection
ProductVariant: id legacyResourceId title sku barcode price inventoryQuantity createdAt updatedAt product:Product
AbandonedCheckout: id name note abandonedCheckoutUrl createdAt updatedAt completedAt discountCodes:[String]
  {_MONEY_OF_A_CHECKOUT} taxesIncluded customer:Customer lineItems:AbandonedCheckoutLineItemConnection
  lineItemsQuantity billingAddress:MailingAddress shippingAddress:MailingAddress customAttributes:[Attribute]
AbandonedCheckoutLineItem: id title quantity sku variantTitle product:Product variant:ProductVariant
  originalUnitPriceSet originalTotalPriceSet discountedUnitPriceSet discountedTotalPriceSet
  customAttributes:[Attribute]
"""


@dataclass(frozen=True)
class Kind:
    """What a field gives. `shape`: scalar, object, list or connection; `of`: the type inside."""

    shape: str
    of: str


def _kind(name: str, written: str) -> Kind:
    if written.startswith("["):
        of = written[1:-1]
        return Kind("scalar" if of == "String" else "list", of)
    if written.endswith("Connection"):
        return Kind("connection", written.removesuffix("Connection"))
    if written:
        return Kind("object", written)
    return Kind("object", "MoneyBag") if name.endswith("Set") else Kind("scalar", "String")


def _read(text: str) -> dict[str, dict[str, Kind]]:
    types: dict[str, dict[str, Kind]] = {}
    held: dict[str, Kind] = {}
    for word in text.split():
        if word.endswith(":"):
            held = types.setdefault(word[:-1], {})
            continue
        name, _, written = word.partition(":")
        held[name] = _kind(name, written)
    return types


TYPES = _read(_TEXT)
COLLECTIONS = {
    "customers": "Customer",
    "orders": "Order",
    "products": "Product",
    "abandonedCheckouts": "AbandonedCheckout",
}
MONEY = ("MoneyBag", "MoneyV2")
SORT_KEYS = {
    "customers": ("CREATED_AT", "ID", "LOCATION", "NAME", "RELEVANCE", "UPDATED_AT"),
    "orders": (
        "CREATED_AT", "CURRENT_TOTAL_PRICE", "CUSTOMER_NAME", "DESTINATION", "FINANCIAL_STATUS", "FULFILLMENT_STATUS",
        "ID", "ORDER_NUMBER", "PO_NUMBER", "PROCESSED_AT", "RELEVANCE", "TOTAL_ITEMS_QUANTITY", "TOTAL_PRICE",
        "UPDATED_AT",
    ),
    "products": (
        "CREATED_AT", "ID", "INVENTORY_TOTAL", "PRODUCT_TYPE", "PUBLISHED_AT", "RELEVANCE", "TITLE", "UPDATED_AT",
        "VENDOR",
    ),
    "abandonedCheckouts": ("CHECKOUT_ID", "CREATED_AT", "CUSTOMER_NAME", "ID", "RELEVANCE", "TOTAL_PRICE"),
}  # fmt: skip
SORT_ENUM = {
    "customers": "CustomerSortKeys",
    "orders": "OrderSortKeys",
    "products": "ProductSortKeys",
    "abandonedCheckouts": "AbandonedCheckoutSortKeys",
}
SCOPES = {
    "customers": "read_customers",
    "orders": "read_orders",
    "products": "read_products",
    "abandonedCheckouts": "read_orders",
}
_PAGING = {"first": "Int", "last": "Int", "after": "String", "before": "String", "reverse": "Boolean"}
_ARGUMENTS = {
    "QueryRoot.node": {"id": "ID!"},
    "QueryRoot.nodes": {"ids": "[ID!]!"},
    "QueryRoot.customer": {"id": "ID!"},
    "QueryRoot.order": {"id": "ID!"},
    "QueryRoot.product": {"id": "ID!"},
    "QueryRoot.bulkOperation": {"id": "ID!"},
    "QueryRoot.currentBulkOperation": {"type": "BulkOperationType"},
    "Mutation.bulkOperationRunQuery": {"query": "String!", "groupObjects": "Boolean"},
    "Mutation.bulkOperationCancel": {"id": "ID!"},
    "Order.refunds": {"first": "Int"},
    "Order.transactions": {"first": "Int"},
    "LineItem.taxLines": {"first": "Int"},
    "Customer.addresses": {"first": "Int"},
}


def arguments_of(owner: str, name: str, kind: Kind) -> dict[str, str]:
    """The arguments a field takes, with their types."""
    if f"{owner}.{name}" in _ARGUMENTS:
        return _ARGUMENTS[f"{owner}.{name}"]
    if owner == "QueryRoot" and name in COLLECTIONS:
        return {**_PAGING, "query": "String", "sortKey": SORT_ENUM[name]}
    if owner == "QueryRoot" and kind.of == "Count":
        return {"query": "String", "limit": "Int"}
    if name == "metafield":
        return {"namespace": "String", "key": "String!"}
    if kind.shape == "connection":
        return {**_PAGING, **({"namespace": "String"} if name == "metafields" else {})}
    return {}


def fields_of(name: str) -> dict[str, Kind]:
    """The fields of a type, those of connections and edges among them."""
    if name.endswith("Connection"):
        of = name.removesuffix("Connection")
        return {
            "edges": Kind("list", of + "Edge"),
            "nodes": Kind("list", of),
            "pageInfo": Kind("object", "PageInfo"),
        }
    if name.endswith("Edge"):
        return {"cursor": Kind("scalar", "String"), "node": Kind("object", name.removesuffix("Edge"))}
    return TYPES[name]
