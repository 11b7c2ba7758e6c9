{{ config(materialized='view') }}
-- One row per person and instant at which a fact of their orders, or whether they can be reached, may change: the facts from then on.
-- was_ columns say what held just before, so that what moves nobody is left out before anything is sorted (could_move). What may share its
-- instant with something else stays: it may be the cause.
{{ order_changes(ref('order_states')) }}
