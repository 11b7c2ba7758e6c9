-- Stays that began before as_of: each is an entry of one month, and each that followed another is one move.
with stays as (
    select count(*) as entered_count, count(previous_stage) as moves_count, count(case when valid_to < {{ as_of() }} then 1 end) as exited_count
    from {{ ref('stage_history') }}
    where valid_from < {{ as_of() }}
),

dwell as (select coalesce(sum(entered_count), 0) as entered_count, coalesce(sum(exited_count), 0) as exited_count from {{ ref('stage_dwell') }}),

moves as (select coalesce(sum(moves_count), 0) as moves_count from {{ ref('stage_transitions') }})

select stays.*, dwell.entered_count as dwell_entered_count, dwell.exited_count as dwell_exited_count, moves.moves_count as transitions_count
from stays
cross join dwell
cross join moves
where stays.entered_count <> dwell.entered_count or stays.exited_count <> dwell.exited_count or stays.moves_count <> moves.moves_count
