"""The command line: every command of interfaces.md, one function each.

Exit codes: 0 done, 1 refused with one sentence on stderr, 2 wrong usage. The command line acts as `system:<OS user>`
with every right and is audited; `--as LOGIN` narrows it to that account's rights. `--db`, `--as` and `--format` may
stand anywhere on the line.
"""

import codecs
import csv
import getpass
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from crm.errors import CrmError, DatabaseBusy, Invalid, Refused
from crm.locale import Message, _, set_language
from crm.model import Actor, Role
from crm.months import Month, bureau_day

if TYPE_CHECKING:
    from crm.reports.answers import Answer

_ANYWHERE = ("--db", "--as", "--format")
_FORMATS = ("table", "json", "csv")
_SHORT_SHEET = 5_000


class _Month(click.ParamType[Month]):
    name = "YYYY-MM"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Month:
        if isinstance(value, Month):
            return value
        try:
            return Month.parse(value)
        except Invalid as error:
            self.fail(str(error), param, ctx)


class _Day(click.ParamType[date]):
    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(str(_("“{text}” is not a date: write it as YYYY-MM-DD.", text=value)), param, ctx)


MONTH, DAY = _Month(), _Day()


class Settings:
    """What stands anywhere on the line: the database, who acts, how data are printed."""

    def __init__(self, url: str | None, login: str | None, output: str | None) -> None:
        self.url = url
        self.login = login
        self.output = output or "table"
        self.output_is_chosen = output is not None

    def database_url(self) -> str:
        """Return the address of the database; raises Refused where none is named."""
        if not self.url:
            raise Refused(_("Name the database: --db PATH, --db postgresql://…, or the variable CRM_DATABASE."))
        return self.url

    def open(self) -> Any:
        """Open the database, closed at the end of the command."""
        from crm import store

        database = store.connect(self.database_url())
        click.get_current_context().call_on_close(database.close)
        # An unknown login is refused by every command, also those whose answer is the same for everybody.
        self.actor(database)
        return database

    def actor(self, database: Any) -> Actor:
        """Return who acts: the system, or the account of `--as`; raises NotFound."""
        if self.login is None:
            return Actor(f"system:{_os_user()}", name=_os_user())
        from crm.reports.accounts import get_actor

        return get_actor(database, self.login)

    def open_or_ask(self, do: str, given: Mapping[str, str]) -> tuple[Any, Any]:
        """Open the database, or have the running app that holds it do something: one of (database, result)."""
        try:
            return self.open(), None
        except DatabaseBusy:
            from crm.local import ask_app

            result = ask_app(self.database_url(), do, given, login=self.login)
            if result is None:
                raise
            return None, result

    def read(self, read: str, **asked: Any) -> "Answer":
        """Answer one of `reports.answers.READS`, whether the database is free or served."""
        from crm.reports.answers import Answer, answer

        given = {name.rstrip("_"): str(value) for name, value in asked.items() if value is not None}
        database, result = self.open_or_ask(read, given)
        if database is None:
            return Answer(**result)
        return answer(database, self.actor(database), read, given, today=_today())

    def show(self, found: "Answer") -> None:
        """Print an answer in the chosen format."""
        if self.output == "table" and found.title:
            click.echo(found.title)
            if not found.rows:
                return
        rows = found.table if self.output == "table" and found.table is not None else found.rows
        self.print_rows(rows, whole=found.document, columns=found.columns)

    def say(self, document: Mapping[str, Any], *sentences: object) -> None:
        """Say that something is done: in sentences, or what a program needs to know of it."""
        if self.output == "table":
            for sentence in sentences:
                click.echo(str(sentence))
        else:
            self.print_rows([document], whole=document)

    def print_rows(self, rows: Sequence[Mapping[str, Any]], *, whole: Any = None, columns: Sequence[str] = ()) -> None:
        """Print rows in the chosen format; `whole` is the JSON document where it is more than the rows.

        `columns` are the headings where there may be no row to take them from.
        """
        if self.output == "json":
            from crm.reports.answers import json_text

            click.echo(json_text(whole if whole is not None else list(rows)))
        elif self.output == "csv":
            writer = csv.writer(sys.stdout, lineterminator="\n")
            if heading := columns or (list(rows[0]) if rows else ()):
                writer.writerow(heading)
            writer.writerows([_cell(value) for value in row.values()] for row in rows)
        else:
            _print_table(rows)


def _cell(value: Any) -> Any:
    return "" if value is None else value


def _print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # A pipe has no width: as wide as needed, so that no cell is cut.
    console = Console(width=None if sys.stdout.isatty() else 4000, highlight=False)
    if not rows:
        console.print(str(_("Nothing to show.")))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, value in rows[0].items():
        table.add_column(name, justify="right" if isinstance(value, int | float) else "left")
    for row in rows:
        table.add_row(*(Text("—" if value is None else str(value)) for value in row.values()))
    console.print(table)


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _now() -> datetime:
    from crm.store import utc_now

    return utc_now()


def _today() -> date:
    """The day in the bureau's time zone."""
    return bureau_day(_now())


_settings = click.make_pass_decorator(Settings)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Environment: CRM_DATABASE names the database, CRM_LANGUAGE (zh_CN or en) the language of messages."
    " Exit codes: 0 done, 1 refused with one sentence, 2 wrong usage.",
)
@click.option("--db", "url", envvar="CRM_DATABASE", metavar="URL", help="A DuckDB file, or postgresql://…")
@click.option("--as", "login", metavar="LOGIN", help="Act with the rights of this account.")
@click.option(
    "--format", "output", type=click.Choice(_FORMATS), help="table by default; “rules show” prints JSON by default."
)
@click.version_option(package_name="zhaoshang-crm", prog_name="crm")
@click.pass_context
def cli(context: click.Context, url: str | None, login: str | None, output: str | None) -> None:
    """Investment attraction: intended enterprises, projects, contacts and the monthly ranking.

    A database is one file (or a PostgreSQL server). Begin with “crm init”, then “crm serve”; “crm demo” fills an empty
    database with a believable bureau. --db, --as and --format may stand anywhere on the line.
    """
    context.obj = Settings(url, login, output)


# --------------------------------------------------------------------------------------------------- starting a bureau


@cli.command()
@_settings
def init(settings: Settings) -> None:
    """Make a new database with reference data and print the administrator's one-time set-up code."""
    from crm import store
    from crm.actions.accounts import start_setup

    url = settings.database_url()
    database = store.create(url, actor=f"system:{_os_user()}")
    try:
        code = start_setup(database, now=_now())
    finally:
        database.close()
    settings.say(
        {"database": url, "setup_code": code},
        _("The database is ready: {url}", url=url),
        _("Set-up code of the administrator (works once, at /setup): {code}", code=code),
    )


@cli.command()
@click.option("--scale", type=click.IntRange(1, 1000), default=1, show_default=True, help="1 ≈ 2,000 enterprises.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The same seed, the same bureau.")
@click.option("--until", type=MONTH, help="The last of the 36 months; the last whole month by default.")
@click.option(
    "--accounts", type=click.Path(path_type=Path), help="Also make one sign-in per role, written to this file."
)
@_settings
def demo(settings: Settings, scale: int, seed: int, until: Month | None, accounts: Path | None) -> None:
    """Fill an empty database with a believable bureau of 36 months."""
    from crm import store
    from crm.demo import fill

    url = settings.database_url()
    if not store.is_server_url(url) and not Path(url).exists():
        store.create(url, actor=f"system:{_os_user()}").close()
    database = settings.open()
    today = _today()
    with _progress(str(_("Filling the database"))) as tell:
        summary = fill(
            database,
            seed=seed,
            scale=scale,
            until=until or Month.of(today).plus(-1),
            today=today,
            now=_now(),
            progress=lambda table, _rows: tell(table),
        )
    if accounts is not None:
        _write_demo_accounts(settings, database, accounts)
    shown = {key: str(value) if isinstance(value, Month) else value for key, value in summary.as_json().items()}
    settings.print_rows([shown], whole=shown)


def _write_demo_accounts(settings: Settings, database: Any, path: Path) -> None:
    import secrets

    from crm.actions.accounts import add_account, set_password
    from crm.demo import DEMO_ACCOUNTS
    from crm.demo.directory import share_views
    from crm.model import label

    actor = settings.actor(database)
    units = dict(database.rows("select code, id from unit"))
    industries = dict(database.rows("select code, id from industry"))
    lines = []
    for person in DEMO_ACCOUNTS:
        _account_id, code = add_account(
            database,
            actor,
            login=person.login,
            name=person.name,
            roles=[person.role],
            unit_id=units[person.unit_code],
            industry_ids=[industries[c] for c in person.industry_codes],
            now=_now(),
        )
        # Random, with all four classes of characters, whatever the password rules.
        password = f"{secrets.token_hex(5)}-{secrets.choice('ABCDEFGHJKLMNPQRSTUVWXYZ')}{secrets.randbelow(90) + 10}"
        set_password(database, login=person.login, code=code, password=password, now=_now())
        lines.append(f"{person.login:<14} {password:<16} {person.name} · {label(person.role)}")
    share_views(database, now=_now())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n", "utf-8")
    # Words for a person: standard output may carry data for a program.
    click.echo(path.read_text("utf-8"), nl=False, err=settings.output != "table")


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True)
@_settings
def serve(settings: Settings, host: str, port: int) -> None:
    """Start the app; stop it with Ctrl-C."""
    from crm.serving import serve_command

    argv, environment = serve_command(host, port, settings.database_url())
    click.echo(str(_("The app is at http://{host}:{port} — stop it with Ctrl-C.", host=host, port=port)))
    sys.stdout.flush()
    os.execve(argv[0], argv, environment)  # noqa: S606  # our own interpreter with our own arguments


@cli.command()
@_settings
def migrate(settings: Settings) -> None:
    """Bring the database to the newest schema; every command does so as it opens it."""
    from crm.store import applied_version

    database = settings.open()
    document = {"database": settings.database_url(), "schema": applied_version(database)}
    settings.say(document, _("The database has the newest schema."))


# ------------------------------------------------------------------------------------------------------- import, export


@cli.command(name="import")
@click.argument("kind", metavar="KIND")
@click.argument("file", metavar="FILE|BATCH")
@click.option("--dry-run", is_flag=True, help="Say what would happen, change nothing.")
@click.option("--sheet", help="The sheet of a workbook; the first by default.")
@click.option("--strict", is_flag=True, help="Refuse the whole file if any row is rejected.")
@click.option("--report", type=click.Path(path_type=Path), help="Where your own sheet goes, with a column of reasons.")
@_settings
def import_(
    settings: Settings, kind: str, file: str, dry_run: bool, sheet: str | None, strict: bool, report: Path | None
) -> None:
    """Import a ledger (xlsx, xls, csv), or take one back: “crm import revert BATCH”.

    KIND: enterprises, contacts, followups, opportunities, projects, agreements, transfers, funds, milestones,
    commitments, targets, adjustments.
    """
    from crm.exchange.importing import commit_import, plan_import, revert_import
    from crm.exchange.reporting import report_path, write_report

    if kind == "revert" and not file.isdecimal():
        raise click.UsageError(str(_("Give the number of the batch: crm import revert BATCH.")))
    if kind == "revert" and (dry_run or sheet or strict or report):
        raise click.UsageError(str(_("A batch is taken back without other options: crm import revert BATCH.")))
    database = settings.open()
    actor = settings.actor(database)
    if kind == "revert":
        revert_import(database, actor, int(file), now=_now())
        settings.say({"batch": int(file), "reverted": True}, _("Batch {batch} was taken back.", batch=file))
        return
    _known_kind(kind)
    path = Path(file)
    with _progress(str(_("Reading {file}", file=path.name))) as tell:
        plan = plan_import(
            database, actor, kind, path, sheet=sheet, today=_today(), progress=lambda share: tell(f"{share:.0%}")
        )
        refused = strict and plan.rejected > 0
        result = plan.result() if dry_run or refused else commit_import(database, actor, plan, now=_now())
    # A long sheet with nothing to say about it is not written again: that would take longer than the import.
    if report or plan.rows <= _SHORT_SHEET or plan.reasons() or plan.unknown_columns:
        try:
            result = result.with_report(write_report(plan, report or report_path(plan, path.parent)))
        except Refused as error:
            words = _("The result stands, but your sheet with the reasons was not written: {reason}", reason=error)
            click.echo(str(words), err=True)
    document = result.as_json()
    if settings.output == "json":
        settings.print_rows([], whole=document)
    else:
        settings.print_rows([{key: value for key, value in document.items() if key not in ("rejects", "report")}])
        if document["rejects"]:
            settings.print_rows(document["rejects"])
    if plan.unknown_columns:
        click.echo(str(_("Columns that are not read: {columns}", columns="、".join(plan.unknown_columns))), err=True)
    if settings.output != "json":
        if document["report"]:
            words = _("Your sheet with the reasons: {path}", path=document["report"])
            click.echo(str(words), err=settings.output == "csv")
    if refused:
        raise Refused(_("{count} rows are rejected, and nothing was imported.", count=plan.rejected))


@cli.command()
@click.argument("kind", metavar="KIND")
@click.option("-o", "--output", "path", type=click.Path(path_type=Path), required=True, help="An .xlsx file.")
@_settings
def template(settings: Settings, kind: str, path: Path) -> None:
    """Write the empty workbook of a kind, with drop-downs, notes and an example row."""
    from crm.exchange.templates import write_template

    _known_kind(kind)
    write_template(kind, path)
    settings.say({"kind": kind, "file": str(path)}, path)


@cli.command()
@click.argument("kind", metavar="KIND")
@click.option("-o", "--output", "path", type=click.Path(path_type=Path), required=True, help="An .xlsx or .csv file.")
@click.option("--unit", help="Only this unit's records: name, short name or code.")
@click.option("--industry", help="Only this key industry's records: name or code.")
@click.option("--from", "first", metavar="DATE", help="Only from this day on (adjustments: month).")
@click.option("--to", "last", metavar="DATE", help="Only up to this day (adjustments: month).")
@click.option("--filter", "more", multiple=True, metavar="NAME=VALUE", help="Any other filter of the kind.")
@_settings
def export(
    settings: Settings,
    kind: str,
    path: Path,
    unit: str | None,
    industry: str | None,
    first: str | None,
    last: str | None,
    more: tuple[str, ...],
) -> None:
    """Write the records of a kind to a file that imports again unchanged."""
    from crm.exchange.exporting import export_table

    _known_kind(kind)
    named = {"unit": unit, "industry": industry, "from": first, "to": last}
    filters = {name: value for name, value in named.items() if value}
    for text in more:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(str(_("Write a filter as NAME=VALUE, not “{text}”.", text=text)))
        filters[name] = value
    database = settings.open()
    count = export_table(database, settings.actor(database), kind, path, filters=filters, now=_now())
    sentence = _("{count} rows were written to {path}.", count=count, path=path)
    settings.say({"kind": kind, "rows": count, "file": str(path)}, sentence)


def _known_kind(kind: str) -> None:
    from crm.exchange.columns import KINDS

    if kind not in KINDS:
        raise click.UsageError(
            str(_("There is no kind “{kind}”. The kinds are: {kinds}.", kind=kind, kinds=", ".join(KINDS)))
        )


# -------------------------------------------------------------------------------------------------------------- numbers


def _ranking_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--basis", type=click.Choice(["count", "amount"]), default="count", show_default=True),
        click.option("--rules", default="default", show_default=True, help="A rule set, its newest version."),
    ):
        command = option(command)
    return command


@cli.command()
@click.option("--month", type=MONTH, required=True)
@click.option("--as-of", type=DAY, help="The cut-off date; the month's last day by default.")
@click.option("--group", help="Only this peer group.")
@_ranking_options
@_settings
def rank(settings: Settings, /, **asked: Any) -> None:
    """Rank the units for a month."""
    settings.show(settings.read("rank", **asked))


@cli.command()
@click.option("--from", "from_", type=MONTH, required=True)
@click.option("--to", type=MONTH, required=True)
@click.option("--by", type=click.Choice(["unit", "industry"]), default="unit", show_default=True)
@click.option("--as-of", type=DAY, help="The cut-off date of the last month.")
@_ranking_options
@_settings
def rates(settings: Settings, /, **asked: Any) -> None:
    """Print a series of rates, one row a month and unit or industry."""
    settings.show(settings.read("rates", **asked))


@cli.command()
@click.option("--month", type=MONTH, required=True)
@click.option("--unit", required=True, help="A unit's name, short name or code.")
@click.option("--metric", required=True, help="signing, performance, startup, registration, …")
@click.option("--as-of", type=DAY)
@_ranking_options
@_settings
def facts(settings: Settings, /, **asked: Any) -> None:
    """List the projects behind one number, each with in_n, in_d and why."""
    settings.show(settings.read("facts", **asked))


@cli.group()
def rules() -> None:
    """Rule sets: how the rates are read."""


@rules.command(name="list")
@_settings
def rules_list(settings: Settings) -> None:
    """List every version of every rule set."""
    settings.show(settings.read("rules"))


@rules.command(name="show")
@click.argument("name")
@click.option("--version", type=int, help="The newest by default.")
@_settings
def rules_show(settings: Settings, name: str, version: int | None) -> None:
    """Print a rule set as JSON, every setting given; as a table or CSV, one setting a row."""
    if not settings.output_is_chosen:
        settings.output = "json"
    settings.show(settings.read("rules/{name}", name=name, version=version))


@rules.command(name="load")
@click.argument("file", type=click.Path(path_type=Path))
@_settings
def rules_load(settings: Settings, file: Path) -> None:
    """Store the rule set of a JSON file; a name that exists gets its next version."""
    from crm.actions.rule_sets import save_rule_set

    database = settings.open()
    stored = save_rule_set(database, settings.actor(database), _read_json(file), now=_now())
    saved = {"name": stored.name, "version": stored.version}
    settings.print_rows([saved], whole=saved)


def _read_json(path: Path) -> Any:
    from crm.metrics import read_settings

    try:
        return read_settings(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise Refused(_("The file {path} cannot be read.", path=path)) from error
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, a number of thousands of digits, too deep
        line = getattr(error, "lineno", "?")
        raise Refused(_("The file {path} is not valid JSON (line {line}).", path=path, line=line)) from error


# ---------------------------------------------------------------------------------------------------- the monthly cycle


@cli.command()
@click.argument("month", type=MONTH)
@click.option("--override", default="", help="Why the month is closed although blocking findings are open.")
@_ranking_options
@_settings
def close(settings: Settings, month: Month, override: str, rules: str, basis: str) -> None:
    """Close a month: its ranking and the projects behind each number are kept as they are now."""
    from crm.actions.closes import close_month
    from crm.metrics import Basis
    from crm.reports.closes import frozen_counts, get_close
    from crm.reports.rule_sets import find_rule_set

    database = settings.open()
    close_id = close_month(
        database,
        settings.actor(database),
        month,
        rules=find_rule_set(database, rules),
        basis=Basis(basis),
        override=override,
        now=_now(),
        today=_today(),
    )
    closed = get_close(database, close_id)
    units, projects = frozen_counts(database, closed)
    shown = {
        "month": str(month),
        "as_of": closed.as_of.isoformat(),
        "rules": closed.rules.name,
        "version": closed.rules.version,
        "basis": basis,
        "units": units,
        "projects": projects,
        "blocking_findings": closed.blocking_findings,
    }
    settings.print_rows([shown], whole=shown)


@cli.command()
@click.argument("month", type=MONTH)
@click.option("--reason", required=True, help="Why; it is kept beside what was published.")
@_settings
def reopen(settings: Settings, month: Month, reason: str) -> None:
    """Open a closed month again; what was published stays, beside the next close."""
    from crm.actions.closes import reopen_month

    database = settings.open()
    reopen_month(database, settings.actor(database), month, reason=reason, now=_now())
    settings.say({"month": str(month), "reopened": True}, _("The month {month} is open again.", month=month))


@cli.command()
@click.argument("month", type=MONTH)
@click.option("-o", "--output", "path", type=click.Path(path_type=Path), required=True, help=".docx, .pdf or .xlsx.")
@click.option("--rules", "rules_name", default="default", show_default=True, help="For the draft of an open month.")
@click.option("--basis", type=click.Choice(["count", "amount"]), default="count", show_default=True, help="Likewise.")
@_settings
def bulletin(settings: Settings, month: Month, path: Path, rules_name: str, basis: str) -> None:
    """Write the bulletin of a month as Word, PDF or Excel, by the file's ending.

    A closed month's says what was published. For an open month it is a draft of what would be, and marked as one.
    """
    from crm.exchange.bulletin import ending_of, export_bulletin, save_file
    from crm.metrics import Basis
    from crm.reports.bulletins import bulletin as published_bulletin
    from crm.reports.bulletins import draft_bulletin
    from crm.reports.closes import find_close
    from crm.reports.rule_sets import find_rule_set

    ending = ending_of(path)
    database = settings.open()
    actor = settings.actor(database)
    closed = find_close(database, month)
    if closed is not None:
        document = published_bulletin(database, actor, closed)
    else:
        rules = find_rule_set(database, rules_name)
        document = draft_bulletin(database, actor, month, rules=rules, basis=Basis(basis))
    save_file(path, export_bulletin(database, actor, document, ending, now=_now()))
    if closed is None:
        hint = _("{month} is not closed: this is a draft. Close it first (crm close {month}).", month=month)
        click.echo(str(hint), err=True)
    settings.say({"month": str(month), "file": str(path), "draft": closed is None}, path)


# ----------------------------------------------------------------------------------------------------------- operations


@cli.command()
@click.option("--month", type=MONTH, help="With what is odd about this month: no progress, overdue starts and steps.")
@_settings
def check(settings: Settings, month: Month | None) -> None:
    """Check references, keys, dates, versions and the audit chain; exit code 1 where something is found."""
    found = settings.read("check", month=month)
    settings.show(found)
    if any(finding["severity"] == "blocking" for finding in found.rows):
        sys.exit(1)


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@_settings
def backup(settings: Settings, folder: Path) -> None:
    """Write the whole database and the attached files into a new folder, with a manifest of counts and checksums."""
    from crm.actions.backups import back_up

    folder = folder.absolute()
    database, counts = settings.open_or_ask("backup", {"folder": str(folder)})
    if database is not None:
        counts = back_up(database, settings.actor(database), folder, now=_now())
    tables = [{"table": table, "rows": rows} for table, rows in counts.items()]
    settings.print_rows(tables, whole={"folder": str(folder), "tables": tables})


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@_settings
def restore(settings: Settings, folder: Path) -> None:
    """Make the database that --db names from a backup; a damaged backup and a database that exists are refused."""
    from crm import store

    url = settings.database_url()
    store.restore(folder, url).close()
    settings.say({"database": url, "folder": str(folder)}, _("The database is ready: {url}", url=url))


@cli.group()
def audit() -> None:
    """The audit trail."""


@audit.command(name="verify")
@_settings
def audit_verify(settings: Settings) -> None:
    """Walk the hash chain; exit code 1 where an entry was changed, removed or moved."""
    found = settings.read("audit")
    settings.show(found)
    if found.rows:
        sys.exit(1)


@cli.group()
def user() -> None:
    """Accounts of the people who sign in."""


@user.command(name="add")
@click.argument("login")
@click.option("--name", required=True, help="The person's name.")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice([str(role) for role in Role]))
@click.option("--unit", "unit_name", help="A unit's name, short name or code.")
@click.option("--industry", "industries", multiple=True, help="A chain of a task force; may be given again.")
@_settings
def user_add(
    settings: Settings,
    login: str,
    name: str,
    roles: tuple[str, ...],
    unit_name: str | None,
    industries: tuple[str, ...],
) -> None:
    """Make an account and print the one-time code with which its person chooses a password."""
    from crm.actions.accounts import add_account
    from crm.reports.rankings import find_industry, find_unit

    database = settings.open()
    _account_id, code = add_account(
        database,
        settings.actor(database),
        login=login,
        name=name,
        roles=roles,
        unit_id=find_unit(database, unit_name).id if unit_name else None,
        industry_ids=[find_industry(database, text) for text in industries],
        now=_now(),
    )
    _print_code(settings, login, code)


@user.command(name="list")
@_settings
def user_list(settings: Settings) -> None:
    """List the accounts."""
    settings.show(settings.read("users"))


@user.command(name="disable")
@click.argument("login")
@_settings
def user_disable(settings: Settings, login: str) -> None:
    """Shut an account out at once."""
    from crm.actions.accounts import disable_account, find_account_id

    database = settings.open()
    disable_account(database, settings.actor(database), find_account_id(database, login), now=_now())
    settings.say({"login": login, "disabled": True}, _("{login} can no longer sign in.", login=login))


@user.command(name="reset")
@click.argument("login")
@click.option("--second-factor", is_flag=True, help="Forget the authenticator app too.")
@_settings
def user_reset(settings: Settings, login: str, second_factor: bool) -> None:
    """Void an account's password and print a new one-time code."""
    from crm.actions.accounts import find_account_id, reset_account

    database = settings.open()
    code = reset_account(
        database,
        settings.actor(database),
        find_account_id(database, login),
        forget_second_factor=second_factor,
        now=_now(),
    )
    _print_code(settings, login, code)


def _print_code(settings: Settings, login: str, code: str) -> None:
    sentence = _("One-time code for {login} (seven days, at /setup): {code}", login=login, code=code)
    settings.say({"login": login, "code": code}, sentence)


# ---------------------------------------------------------------------------------------------------------------- main


class _progress:  # noqa: N801  # reads as a statement
    """Shows a spinner with words on stderr where somebody is looking."""

    def __init__(self, title: str) -> None:
        from rich.console import Console

        self._status = Console(stderr=True).status(title) if sys.stderr.isatty() else None
        self._title = title

    def __enter__(self) -> Callable[[str], None]:
        if self._status:
            self._status.start()
        return self._tell

    def _tell(self, detail: str) -> None:
        if self._status:
            self._status.update(f"{self._title} · {detail}")

    def __exit__(self, *_exception: object) -> None:
        if self._status:
            self._status.stop()


def _options_first(arguments: Sequence[str]) -> list[str]:
    """Bring --db, --as and --format to the front, where click expects the options of the whole command."""
    front, rest = [], []
    remaining = list(arguments)
    while remaining:
        word = remaining.pop(0)
        if word == "--":
            rest += [word, *remaining]
            break
        if word in _ANYWHERE and remaining:
            front += [word, remaining.pop(0)]
        elif word.startswith(tuple(f"{option}=" for option in _ANYWHERE)):
            front.append(word)
        else:
            rest.append(word)
    return front + rest


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    set_language(os.environ.get("CRM_LANGUAGE", "zh_CN"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # No word fails because an encoding lacks it; ASCII is what the C locale calls a UTF-8 terminal.
            is_ascii = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding="utf-8" if is_ascii else None, errors="replace")
    try:
        cli.main(
            _options_first(sys.argv[1:] if arguments is None else arguments), prog_name="crm", standalone_mode=False
        )
    except CrmError as error:
        _refuse(error.message)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except OSError as error:
        where = error.filename or ""
        _refuse(_("{path}: the file cannot be read or written ({reason}).", path=where, reason=error.strerror))
    except Exception as error:
        # A defect, or a database server that went away: one sentence, and the trace for whoever asks for it.
        if os.environ.get("CRM_DEBUG"):
            raise
        name = type(error).__name__
        _refuse(_("Something went wrong ({name}). CRM_DEBUG=1 before the command shows the details.", name=name))
    sys.exit(0)


def _refuse(message: Message) -> NoReturn:
    click.echo(str(message), err=True)
    sys.exit(1)
