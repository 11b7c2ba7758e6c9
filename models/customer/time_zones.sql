-- One row per person whose time zone can be guessed: by the beginning of their phone number where it lies in one zone, else by country.
with addresses as (select customer_id, phone from {{ ref('addresses') }} where phone is not null),

attributes as (select customer_id, lower(trim(country)) as country from {{ ref('attributes') }} where country is not null),

prefixes as (select * from {{ ref('phone_time_zones') }}),

countries as (select * from {{ ref('country_time_zones') }}),

-- calling codes begin no other calling code; area codes are longer and come first
by_phone as (
    select addresses.customer_id, coalesce(area.time_zone, of_three.time_zone, of_two.time_zone) as time_zone
    from addresses
    left join prefixes as area on substring(addresses.phone, 2, 4) = area.prefix
    left join prefixes as of_three on substring(addresses.phone, 2, 3) = of_three.prefix
    left join prefixes as of_two on substring(addresses.phone, 2, 2) = of_two.prefix
),

by_country as (
    select attributes.customer_id, countries.time_zone
    from attributes
    inner join countries on attributes.country = countries.country
),

guessed as (
    select
        coalesce(by_phone.customer_id, by_country.customer_id) as customer_id,
        coalesce(by_phone.time_zone, by_country.time_zone) as time_zone
    from by_phone
    full outer join by_country on by_phone.customer_id = by_country.customer_id
),

zoned as (select * from guessed where time_zone is not null)

select * from zoned
