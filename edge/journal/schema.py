"""The journal's tables. Every row of a bound table has its digest in the chain, so a changed or lost row shows."""

SCHEMA_VERSION = 1

BOUND = {
    "commands": "command_id",
    "reports": "sequence",
    "parcels": "parcel_id",
    "labels": "serial",
    "intents": "intent_id",
    "tasks": "task_id",
    "pictures": "sha256",
    "places": "piece_id",
    "tracking": "event_id",
    "turns": "camera",
    "nonces": "nonce",
    "plans": "version",
    "locations": "location",
    "lying": "piece_id",
    "carries": "parcel_id",
    "counters": "name",
    "counter_sales": "sale_id",
    "counter_joints": "joint_id",
    "counter_marks": "device",
    "tag_jobs": "job_id",
}
"""Bound tables and their keys. `acks` carries its own digest instead, because it names the chain's head."""

TOLD = """
create table if not exists told (sequence integer primary key, payload blob not null, told_at text not null) strict
"""
"""Reports that the relay confirmed, kept for TOLD_DAYS: a relay put back from a backup asks for them again. Not bound:
it holds nothing that the shop itself goes by."""

TOLD_DAYS = 14

LATER = """
create table if not exists locations (location text primary key, version integer not null, kept_for text not null,
    at text not null) strict;
create table if not exists lying (piece_id text primary key, location text not null, is_away integer not null,
    at text not null) strict;
create index if not exists lying_in on lying (location);
create table if not exists carries (parcel_id text primary key, piece_id text not null, location text not null,
    job_no integer not null, stage text not null, reason text not null, is_open integer not null,
    at text not null) strict;
create table if not exists counters (name text primary key, value integer not null, until_at text not null) strict;
create table if not exists counter_sales (sale_id text primary key, stage text not null, is_open integer not null,
    receipt_no integer not null, body text not null, changed_at text not null) strict;
create index if not exists counter_sales_open on counter_sales (is_open, changed_at);
create table if not exists counter_joints (joint_id text primary key, stage text not null, is_open integer not null,
    body text not null, changed_at text not null) strict;
create index if not exists counter_joints_open on counter_joints (is_open, changed_at);
-- the newest payment that we know of each card terminal: what its next one is told apart from
create table if not exists counter_marks (device text primary key, receipt_no integer not null,
    trace_no integer not null) strict;
-- printings of tags: `printed` of `total` came out, `at_mouth` hang at the printer still; stage printing is the intent
create table if not exists tag_jobs (job_id text primary key, stage text not null, is_open integer not null,
    printed integer not null, total integer not null, at_mouth integer not null, reason text not null,
    wants_stop integer not null, until text not null, tags text not null, asked_at text not null) strict;
create index if not exists tag_jobs_open on tag_jobs (is_open, asked_at);
"""
"""Tables that journals of the first release lack; they are made when such a journal is opened."""

TABLES = """
create table chain (sequence integer primary key, kind text not null, entry text not null, hash text not null) strict;

-- digests of all bound rows when the chain was last sealed: opening begins there instead of at the first entry
create table sealed (name text not null, key text not null, digest text not null, primary key (name, key)) strict;

-- inbox: `signed` are the exact signed bytes, null once purged; `state` is held (behind a gap), accepted or final
create table commands (command_id text primary key, sequence integer not null unique, type text not null,
    sha256 text not null, signed blob, state text not null, received_at text not null, answered_at text) strict;
create index commands_by_state on commands (state, sequence);

create table acks (number integer primary key autoincrement, command_id text not null unique, payload blob not null,
    sha256 text not null, is_sent integer not null default 0) strict;
create index acks_unsent on acks (is_sent, number);

-- outbox: a row goes when the relay confirmed it; its number is never given again, because the chain remembers it
create table reports (sequence integer primary key, type text not null, payload blob not null) strict;

create table parcels (parcel_id text primary key, piece_id text not null, stage text not null, line_no integer not null,
    is_open integer not null, body text not null, changed_at text not null) strict;
create index parcels_open on parcels (is_open, line_no);

create table labels (serial text primary key, parcel_id text not null, state text not null, sscc text not null,
    body text not null) strict;
create index labels_of_parcel on labels (parcel_id);
create index labels_by_sscc on labels (sscc);

create table intents (intent_id text primary key, parcel_id text not null, act text not null, device text not null,
    at text not null, detail text not null, outcome text not null, outcome_at text) strict;
create index intents_by_outcome on intents (outcome);

create table tasks (task_id text primary key, kind text not null, parcel_id text not null, piece_id text not null,
    is_open integer not null, body text not null, asked_at text not null) strict;
create index tasks_open on tasks (is_open, asked_at);

create table pictures (sha256 text primary key, parcel_id text not null, kind text not null, state text not null,
    body text not null, taken_at text not null) strict;
create index pictures_of_parcel on pictures (parcel_id, taken_at);

create table places (piece_id text primary key, place text not null, at text not null) strict;
create table tracking (event_id text primary key, parcel_id text not null, body text not null, at text not null) strict;
create table turns (camera text primary key, turn_no integer not null) strict;
create table nonces (nonce text primary key, until_at text not null) strict;
create table plans (version integer primary key, body text not null, saved_at text not null) strict;
"""
