"""How many of the sample rows go which way: the expectations of tests/end_to_end/test_api_shapes.py.

What lives here: numbers, and the few things no sample speaks of. What does not: how they are counted
(api_shapes_accounts.py), and what becomes of each file (api_shapes.csv).
"""

from __future__ import annotations

from tests.support.api_shapes_shopify import DELETED

# landed tables that no file of the archives could fill
WITHOUT_SAMPLES = {
    "hubspot": {"lifecycle_stages", "statuses", "subscriptions"},
    "klaviyo": {"campaign_messages", "flow_messages", "profile_ids"},
    "shopify": {"customer_ids"},
    "woocommerce": {"customers", "order_lines", "orders", "refunds"},
}

# (source, landed table): received, refused, repeated word for word, older than another version, in force
LANDED = {
    ("shop_rest", "customers"): (4, 0, 0, 0, 4),
    ("shop_rest", "products"): (8, 0, 0, 0, 8),
    ("shop_rest", "orders"): (8, 0, 0, 0, 8),
    ("shop_rest", "order_lines"): (3, 0, 0, 0, 3),
    ("shop_rest", "refunds"): (5, 0, 0, 0, 5),
    ("shop_rest", "checkouts"): (3, 0, 0, 0, 3),
    ("shop_graphql", "customers"): (10, 0, 0, 0, 10),
    ("shop_graphql", "products"): (5, 0, 0, 0, 5),
    ("shop_graphql", "orders"): (5, 0, 0, 0, 5),
    ("shop_graphql", "order_lines"): (10, 0, 0, 0, 10),
    ("shop_graphql", "refunds"): (10, 0, 0, 0, 10),
    ("shop_graphql", "checkouts"): (5, 0, 0, 0, 5),
    ("shop_2023_01", "customers"): (4, 0, 3, 0, 1),
    ("shop_2023_01", "products"): (2, 0, 0, 1, 1),
    ("shop_2023_01", "orders"): (6, 0, 0, 5, 1),
    ("shop_2023_01", "order_lines"): (2, 0, 0, 0, 2),
    ("shop_2023_01", "refunds"): (1, 1, 0, 0, 0),
    ("shop_2023_01", "checkouts"): (2, 0, 0, 1, 1),
    ("shop_2023_01", "checkout_lines"): (2, 0, 0, 0, 2),
    ("shop_2024_10", "customers"): (4, 0, 3, 0, 1),
    ("shop_2024_10", "products"): (2, 0, 1, 0, 1),
    ("shop_2024_10", "orders"): (6, 0, 5, 0, 1),
    ("shop_2024_10", "order_lines"): (12, 0, 10, 0, 2),
    ("shop_2024_10", "refunds"): (1, 0, 0, 0, 1),
    ("shop_2024_10", "checkouts"): (2, 0, 1, 0, 1),
    ("shop_2024_10", "checkout_lines"): (4, 0, 0, 0, 4),
    ("crm_tables", "contacts"): (22, 0, 0, 0, 22),
    ("crm_tables", "contact_merges"): (7, 0, 0, 0, 7),
    ("crm_tables", "contact_changes"): (100, 0, 0, 0, 100),
    ("crm_tables", "deals"): (44, 0, 0, 0, 44),
    ("crm_tables", "deal_stages"): (71, 0, 0, 0, 71),
    ("crm_tables", "meetings"): (100, 0, 0, 0, 100),
    ("crm_tables", "calls"): (1, 0, 0, 0, 1),
    ("crm_tables", "emails"): (1, 0, 0, 0, 1),
    ("crm_tables", "communications"): (1, 0, 0, 0, 1),
    ("crm_webhooks", "contacts"): (1, 0, 0, 0, 1),
    ("crm_webhooks", "contact_changes"): (49, 0, 0, 0, 49),
    ("crm_webhooks", "deals"): (1, 0, 0, 0, 1),
    ("mail", "profiles"): (2, 0, 0, 0, 2),
    ("mail", "metrics"): (6, 0, 2, 0, 4),
    ("mail", "events"): (8, 0, 4, 0, 4),
    ("mail", "campaigns"): (2, 0, 0, 0, 2),
    ("mail", "flows"): (2, 0, 0, 0, 2),
    ("woo", "products"): (2, 0, 1, 0, 1),
}
# rows of files that are not delivered
NOT_DELIVERED = {
    ("shop_2023_01", "order_lines"): {"of an older version of its order": 10},
    ("shop_2023_01", "checkout_lines"): {"of an older version of its checkout": 2},
    ("shop_graphql", "products"): dict.fromkeys(DELETED, 5),
    ("shop_graphql", "orders"): dict.fromkeys(DELETED, 4),
    ("shop_graphql", "checkouts"): dict.fromkeys(DELETED, 5),
}
# tables whose rows complete others: how many name a row that is there
COMPLETING = {
    "shopify_order_shipping_line_data": 0, "shopify_order_line_refund_data": 0, "shopify_order_adjustment_data": 0,
    "shopify_gql_customer_address_data": 10, "shopify_gql_order_line_refund_data": 0, "deal_contact_data": 0,
    "engagement_contact_data": 1,
}  # fmt: skip
# (model, source): rows that come out, and rows in force that do not
STAGED: dict[tuple[str, str], tuple[int, dict[str, int]]] = {
    ("stg_shopify__shop_customers", "shop_rest"): (4, {}),
    ("stg_shopify__shop_customers", "shop_graphql"): (10, {}),
    ("stg_shopify__shop_customers", "shop_2023_01"): (1, {}),
    ("stg_shopify__shop_customers", "shop_2024_10"): (1, {}),
    ("stg_shopify__consents", "shop_rest"): (0, {"agreed at no known time": 1, "no answer": 3, "says nothing": 4}),
    ("stg_shopify__consents", "shop_graphql"): (7, {"no answer": 3, "says nothing": 10}),
    ("stg_shopify__consents", "shop_2023_01"): (0, {"agreed at no known time": 1, "says nothing": 1}),
    ("stg_shopify__consents", "shop_2024_10"): (0, {"says nothing": 2}),
    ("stg_shopify__shop_products", "shop_rest"): (8, {}),
    ("stg_shopify__shop_products", "shop_graphql"): (5, {}),
    ("stg_shopify__shop_products", "shop_2023_01"): (1, {}),
    ("stg_shopify__shop_products", "shop_2024_10"): (1, {}),
    ("stg_shopify__shop_orders", "shop_rest"): (8, {}),
    ("stg_shopify__shop_orders", "shop_graphql"): (5, {}),
    ("stg_shopify__shop_orders", "shop_2023_01"): (1, {}),
    ("stg_shopify__shop_orders", "shop_2024_10"): (1, {}),
    ("stg_shopify__shop_order_lines", "shop_rest"): (3, {}),
    ("stg_shopify__shop_order_lines", "shop_graphql"): (10, {}),
    ("stg_shopify__shop_order_lines", "shop_2023_01"): (2, {}),
    ("stg_shopify__shop_order_lines", "shop_2024_10"): (2, {}),
    ("stg_shopify__shop_refunds", "shop_rest"): (5, {}),
    ("stg_shopify__shop_refunds", "shop_graphql"): (10, {}),
    ("stg_shopify__shop_refunds", "shop_2024_10"): (1, {}),
    ("stg_shopify__shop_checkouts", "shop_rest"): (3, {}),
    ("stg_shopify__shop_checkouts", "shop_graphql"): (5, {}),
    ("stg_shopify__shop_checkouts", "shop_2023_01"): (1, {}),
    ("stg_shopify__shop_checkouts", "shop_2024_10"): (1, {}),
    ("stg_shopify__shop_checkout_lines", "shop_2023_01"): (2, {}),
    ("stg_shopify__shop_checkout_lines", "shop_2024_10"): (4, {}),
    # 22 contacts, and 4 that nothing but the audit of merges names
    ("stg_hubspot__crm_contacts", "crm_tables"): (26, {}),
    ("stg_hubspot__crm_contacts", "crm_webhooks"): (1, {}),
    ("stg_hubspot__crm_stage_changes", "crm_tables"): (0, {"another property": 100}),
    ("stg_hubspot__crm_stage_changes", "crm_webhooks"): (1, {"another property": 48}),
    ("stg_hubspot__consents", "crm_tables"): (0, {"another property": 100, "says nothing": 22}),
    ("stg_hubspot__consents", "crm_webhooks"): (0, {"another property": 49, "says nothing": 1}),
    ("stg_hubspot__crm_deals", "crm_tables"): (44, {}),
    ("stg_hubspot__crm_deals", "crm_webhooks"): (1, {}),
    ("stg_hubspot__appointments", "crm_tables"): (100, {}),
    ("stg_hubspot__messages", "crm_tables"): (3, {}),
    ("stg_klaviyo__crm_contacts", "mail"): (2, {}),
    ("stg_klaviyo__campaigns", "mail"): (2, {"a flow, and none of its messages": 2}),
    ("stg_klaviyo__message_events", "mail"): (2, {"names no message": 1, "not an event of a message": 1}),
    ("stg_klaviyo__messages", "mail"): (2, {"names no message": 1, "not an event of a message": 1}),
    ("stg_klaviyo__consents", "mail"): (0, {"not an answer": 4, "says nothing": 2}),
    ("stg_woocommerce__shop_products", "woo"): (1, {}),
    ("stg_woocommerce__stock_changes", "woo"): (0, {"in stock from the first": 1}),
}
