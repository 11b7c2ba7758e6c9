"""HubSpot's, Klaviyo's and WooCommerce's sample tables and webhook payloads as the landed tables of their connectors.

What lives here: which of their columns and paths fills which landed column. What does not: reading and landing them
(api_shapes.py), the connectors' own queries (perennial/sources).
"""

from __future__ import annotations

from tests.support.api_shapes import Delivery, Detail, cell, columns, path

# --- HubSpot's tables

_CRM = "crm_tables"


def _crm(table: str) -> str:
    return f"dbt_hubspot/{table}_data.csv"


def _engagement(table: str, file: str, **more: str) -> Delivery:
    """Calls, e-mails and communications: alike but for what they are."""
    return Delivery(
        _CRM, "hubspot", table, [_crm(file)],
        columns(
            "engagement_id happened_at=property_hs_timestamp created_at=property_hs_createdate"
            " is_deleted=_fivetran_deleted", cell,
            contact_id="(select min(each.contact_id) from {contacts} as each"
            " where each.engagement_id = item.engagement_id)",
            **more,
        ),
        details={"contacts": Detail(_crm("engagement_contact"), "engagement_id", "engagement_id")},
    )  # fmt: skip


HUBSPOT_TABLES = (
    Delivery(
        _CRM, "hubspot", "contacts", [_crm("contact")],
        columns(
            "contact_id=id email=property_email first_name=property_firstname last_name=property_lastname"
            " company=property_company created_at=property_createdate is_deleted=_fivetran_deleted", cell,
        ),
    ),
    Delivery(
        _CRM, "hubspot", "contact_merges", [_crm("contact_merge_audit")],
        columns("merged_id=vid_to_merge contact_id=canonical_vid updated_at=timestamp", cell),
    ),
    # what each contact says of those merged into it
    Delivery(
        _CRM, "hubspot", "contact_merges", [_crm("contact")],
        {"merged_id": "line", "contact_id": "item.id"},
        each="string_split(item.property_hs_merged_object_ids, ';')",
    ),
    Delivery(
        _CRM, "hubspot", "contact_changes", [_crm("contact_property_history")],
        columns(
            "contact_id property=name value changed_at=timestamp source_type=source source_id", cell,
            change_id="concat_ws(':', item.contact_id, item.name, item.timestamp, item.value)",
        ),
    ),
    Delivery(
        _CRM, "hubspot", "deals", [_crm("deal")],
        columns(
            "deal_id name=property_dealname pipeline_id=deal_pipeline_id stage_id=deal_pipeline_stage_id"
            " amount=property_amount owner_id closes_at=property_closedate created_at=property_createdate is_deleted",
            cell,
            contact_id="(select min(each.contact_id) from {contacts} as each where each.deal_id = item.deal_id)",
        ),
        details={"contacts": Detail(_crm("deal_contact"), "deal_id", "deal_id")},
    ),
    Delivery(
        _CRM, "hubspot", "deal_stages", [_crm("deal_pipeline_stage")],
        columns("pipeline_id stage_id label position=display_order is_closed probability", cell),
    ),
    Delivery(
        _CRM, "hubspot", "meetings", [_crm("engagement_meeting")],
        columns("meeting_id=engagement_id outcome=meeting_outcome starts_at=start_time ends_at=end_time", cell),
    ),
    _engagement("calls", "engagement_call"),
    _engagement("emails", "engagement_email"),
    _engagement("communications", "engagement_communication"),
)  # fmt: skip

# --- HubSpot's webhooks: properties with their past, times in milliseconds

_HOOKS = "crm_webhooks"


def _property(name: str) -> str:
    return path(f"properties.{name}.value")


def _at(milliseconds: str) -> str:
    return f"make_timestamp(cast({milliseconds} as bigint) * 1000)"


_PAST = (
    "flatten(list_transform(json_keys(item, '$.properties'), lambda p: list_transform("
    "cast(item -> ('$.properties.' || p || '.versions') as json[]), lambda v: {'property': p, 'entry': v})))"
)
HUBSPOT_WEBHOOKS = (
    Delivery(
        _HOOKS, "hubspot", "contacts", ["hubspot/current/CONTACT.json"],
        columns(
            "email first_name=firstname last_name=lastname lifecycle_stage=lifecyclestage owner_id=hubspot_owner_id"
            " analytics_source=hs_analytics_source analytics_detail_1=hs_analytics_source_data_1"
            " analytics_detail_2=hs_analytics_source_data_2", _property,
            contact_id=path("vid"),
            created_at=_at(_property("createdate")),
            updated_at=_at(_property("lastmodifieddate")),
            is_deleted="false",
        ),
    ),
    Delivery(
        _HOOKS, "hubspot", "contact_changes", ["hubspot/current/CONTACT.json"],
        {
            "change_id": f"concat_ws(':', {path('vid')}, line.property, line.entry ->> '$.timestamp')",
            "contact_id": path("vid"),
            "property": "line.property",
            "value": "line.entry ->> '$.value'",
            "changed_at": _at("(line.entry ->> '$.timestamp')"),
            "source_type": "line.entry ->> '$.source-type'",
            "source_id": "line.entry ->> '$.source-id'",
            "source_label": "line.entry ->> '$.source-label'",
            "user_id": "line.entry ->> '$.updated-by-user-id'",
        },
        each=_PAST,
    ),
    Delivery(
        _HOOKS, "hubspot", "deals", ["hubspot/current/DEAL.json"],
        columns(
            "name=dealname pipeline_id=pipeline stage_id=dealstage amount is_closed=hs_is_closed"
            " is_won=hs_is_closed_won owner_id=hubspot_owner_id", _property,
            deal_id=path("objectId"),
            closes_at=_at(_property("closedate")),
            created_at=_at(_property("createdate")),
            updated_at=_at(_property("hs_lastmodifieddate")),
            is_deleted=path("isDeleted"),
        ),
    ),
)  # fmt: skip

# --- Klaviyo

_MAIL = "mail"


def _events(file: str) -> Delivery:
    """Events name their metric by a word too; by id the metrics' own table does not know any of them."""
    message = "nullif(item.campaign_id, '')"
    return Delivery(
        _MAIL, "klaviyo", "events", [file],
        columns(
            "event_id=id profile_id=person_id metric_id=type occurred_at=datetime message_id=campaign_id flow_id"
            " variation_id=_variation", cell,
            send_id=f"case when {message} is not null then concat({message}, ':', item.person_id) end",
        ),
    )  # fmt: skip


KLAVIYO = (
    Delivery(
        _MAIL, "klaviyo", "profiles", ["dbt_klaviyo/person.csv"],
        columns(
            "profile_id=id email phone=phone_number first_name last_name organization country last_event_at=last_event_date"
            " created_at=created updated_at=updated is_deleted=_fivetran_deleted", cell,
        ),
    ),
    Delivery(
        _MAIL, "klaviyo", "metrics", ["dbt_klaviyo/metric.csv"],
        columns("metric_id=id name integration=integration_name created_at=created", cell),
    ),
    Delivery(
        _MAIL, "klaviyo", "metrics", ["dbt_klaviyo/event.csv"],
        columns("metric_id=type name=type", cell),
    ),
    _events("dbt_klaviyo/event.csv"),
    _events("dbt_klaviyo/event_norename.csv"),
    Delivery(
        _MAIL, "klaviyo", "campaigns", ["dbt_klaviyo/campaign.csv"],
        columns(
            "campaign_id=id name status is_archived=archived send_at=send_time scheduled_at=scheduled"
            " created_at=created updated_at=updated is_deleted=_fivetran_deleted", cell,
            channel="'email'",  # of that time: each has a subject and a sender's address
        ),
    ),
    Delivery(
        _MAIL, "klaviyo", "flows", ["dbt_klaviyo/flow.csv"],
        columns(
            "flow_id=id name status trigger_type is_archived=archived created_at=created updated_at=updated"
            " is_deleted=_fivetran_deleted", cell,
        ),
    ),
)  # fmt: skip

# --- WooCommerce

WOOCOMMERCE = (
    Delivery(
        "woo", "woocommerce", "products",
        ["woocommerce/current/product.created.json", "woocommerce/current/product.updated.json"],
        columns(
            "product_id=id name sku category=categories[0].name product_type=type status stock_status"
            " price_amount=price", path,
            created_at=f"{path('date_created_gmt')} || 'Z'",
            updated_at=f"{path('date_modified_gmt')} || 'Z'",
            is_deleted="false",
        ),
    ),
)  # fmt: skip

OTHERS = (*HUBSPOT_TABLES, *HUBSPOT_WEBHOOKS, *KLAVIYO, *WOOCOMMERCE)
