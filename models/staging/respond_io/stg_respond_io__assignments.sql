-- One row per source and time a conversation at respond.io was given to somebody.
with events as (
    {{ respond_io_events() }}
),

opened as (
    {{ respond_io_conversations('events') }}
),

users as (
    {{ current_rows('users', key=['user_id'], kind='respond_io') }}
),

given as (select * from events where event_type = 'contact.assignee.updated' and assignee_id is not null),

placed as (
    {{ respond_io_within('given', 'told_at', 'event_id', 'opened') }}
),

-- a closing tells when the conversation was given away last, to the second, and to which team
told as (
    select
        placed.event_id,
        placed.conversation_id,
        placed.assignee_id,
        placed.source_name,
        placed.brand,
        placed.loaded_at,
        placed.told_at,
        users.team,
        opened.team as last_team,
        opened.last_assigned_at,
        placed.told_at between opened.last_assigned_at - interval '5' minute and opened.last_assigned_at + interval '5' minute
        and row_number() over (
            partition by placed.source_name, placed.conversation_id order by placed.told_at desc, placed.event_id
        ) = 1 as is_last
    from placed
    left join users on users.source_name = placed.source_name and users.user_id = placed.assignee_id
    left join opened on opened.source_name = placed.source_name and opened.conversation_id = placed.conversation_id
),

untold as (
    select opened.*
    from opened
    left join told on told.source_name = opened.source_name and told.conversation_id = opened.conversation_id and told.is_last
    where opened.last_assigned_at is not null and told.event_id is null
),

assignments as (
    select
        event_id as assignment_id,
        conversation_id,
        assignee_id as owner_id,
        case when is_last then coalesce(last_team, team) else team end as team,
        case when is_last then last_assigned_at else told_at end as assigned_at,
        source_name,
        brand,
        loaded_at
    from told
    union all
    select
        conversation_id || ':last' as assignment_id,
        conversation_id,
        assignee_id as owner_id,
        team,
        last_assigned_at as assigned_at,
        source_name,
        brand,
        loaded_at
    from untold
)

select * from assignments
