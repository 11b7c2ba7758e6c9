{{ config(materialized='view') }}
-- One row per person and instant at which they may be moved: the facts that stages are made of, as bounds tell them apart, from that instant
-- on, and for each stage model the last thing that could move somebody in it. What could move nobody (could_move) is not here.
-- A further fact of orders joins in order_states, any other in side_events and side_changes.
{{ fact_changes(ref('order_changes'), ref('side_changes'), ref('side_events')) }}
