{{ config(materialized='view') }}
-- One row per person and event beside orders, or passing of days since one: the facts that it changes, from then on; null where it says nothing.
{{ side_changes(ref('side_events')) }}
