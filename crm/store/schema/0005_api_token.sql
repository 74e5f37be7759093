-- The personal token that opens the API (see crm.api), kept as its hash.

alter table account add column api_token_hash text;
