"""招商引资 CRM: intended enterprises, contacts, projects, and each unit's monthly rates by visible rules.

Reading order (ten minutes):

1. `model`        the field's vocabulary: stages, roles, kinds; drafts and the actor
2. `months`       months, cut-off dates, windows
3. `rules`        what a stage requires, which moves and dates are refused; `chat` what a message proposes,
                  `media` which files are accepted
4. `permissions`  the grants table; one condition for record and list
5. `metrics`      rates, rule sets, ranking: the only place where a number is defined; `matching` proposes segments
6. `store`        the only door to a database: two engines, schema, the audited write transaction
7. `actions`      writes, one function per thing that a person does
8. `reports`      reads, one function per thing that a page shows; `charts` draws them
9. `exchange`     workbooks in and out, the bulletin
10. `ui`, `cli`, `api`  the surfaces; `ui.shell` holds the table of pages, `ui.server` stands in front of Streamlit;
                  `cli` and `api` say what `reports.answers` answers; through `local`, `cli` asks a running app
11. `demo`        a believable bureau from a seed

Imports run downward in this order: surfaces → actions, reports, exchange → rules, metrics, permissions → store →
model, errors, months. `locale` (messages in two languages) is open to all. A test proves it.

The journey of one follow-up: `ui/pages/log_contact` builds a `FollowUpDraft` → `actions.followups.log_follow_up` checks
it, asks `permissions` for the right over the enterprise, and in one `store.transaction` inserts the contact, refreshes
the enterprise's contact dates and chains the audit entries → `reports.contacts.timeline` shows it, and
`metrics.MEASURES` counts it for its unit and month → `reports.rankings` puts it beside the rates that `metrics.RATES`
defines, and page and command line show the same words and numbers.
"""
