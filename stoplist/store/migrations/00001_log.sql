-- +goose Up
create table change (
    rev       integer primary key,
    made_at   bigint  not null, -- nanoseconds since 1970
    actor     text    not null,
    approver  text    not null,
    source    text    not null,
    reference text    not null,
    added     bigint  not null,
    lifted    bigint  not null,
    digest    blob    not null, -- SHA-256 of the orders and bodies
    chain     blob    not null  -- SHA-256 of the previous chain and this row
);

create table stop_order (
    id        text    primary key,
    rev       bigint  not null references change (rev),
    place     integer not null, -- in its change set
    reason    text    not null,
    reference text    not null,
    source    text    not null,
    holder    text    not null,
    from_at   bigint,           -- seconds since 1970, null for no bound
    until_at  bigint
);
create index stop_order_rev on stop_order (rev, place);

create table chunk (
    rev   bigint  not null references change (rev),
    place integer not null,
    lo    bigint  not null, -- first and last number of the body
    hi    bigint  not null,
    body  blob    not null, -- compressed
    primary key (rev, place)
);
create index chunk_numbers on chunk (lo, hi);

-- +goose StatementBegin
create trigger change_stays before update on change begin select raise(abort, 'the log is append-only'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger change_remains before delete on change begin select raise(abort, 'the log is append-only'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger stop_order_stays before update on stop_order begin select raise(abort, 'the log is append-only'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger stop_order_remains before delete on stop_order begin select raise(abort, 'the log is append-only'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger chunk_stays before update on chunk begin select raise(abort, 'the log is append-only'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger chunk_remains before delete on chunk begin select raise(abort, 'the log is append-only'); end;
-- +goose StatementEnd
