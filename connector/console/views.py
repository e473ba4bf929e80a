"""Which pages are there? Licenses, runs, prompts, holds, directories; all read-only."""

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import Engine

from connector import known, shown, wiring
from connector.settings import Settings
from connector.store import holds, requests, runs, seen_directories
from connector.store.engine import reading
from sync.model import HoldId, RunId
from sync.ports import Transient, Unauthorized

#: actions of one run on its page; the report has them all
MOST_ACTIONS = 500


def blueprint(settings: Settings, engine: Engine) -> Blueprint:
    pages = Blueprint("console", __name__, template_folder="templates", static_folder="static")
    anysoft = wiring.licensing(settings, engine)

    def read_licenses() -> tuple[list[shown.License], str]:
        """And why they aren't as AnySoft says now; "" when they are."""
        try:
            there = known.ask(anysoft, engine, wiring.clock())
        except (Transient, Unauthorized) as error:
            return [], str(error)
        with reading(engine) as connection:
            return shown.licenses(there.products, there.subscriptions, connection), there.note

    def licenses() -> ResponseReturnValue:
        rows, trouble = read_licenses()
        with reading(engine) as connection:
            prompts = [shown.prompt(r, rows) for r in requests.living(connection)]
            held = [h for h in holds.list_holds(connection) if h.state == "open"]
            latest = runs.list_runs(connection, 5)
        return render_template(
            "licenses.html", licenses=rows, trouble=trouble, prompts=prompts, holds=held, runs=latest
        )

    def list_runs() -> ResponseReturnValue:
        with reading(engine) as connection:
            return render_template("runs.html", runs=runs.list_runs(connection, 50))

    def show_run(id: int) -> ResponseReturnValue:
        with reading(engine) as connection:
            try:
                run = runs.get(connection, RunId(id))
            except LookupError:
                abort(404, "there is no such run")
            actions = []
            for action in runs.actions_of(connection, run.id):
                actions.append(action)
                if len(actions) > MOST_ACTIONS:
                    break
        return render_template(
            "run.html", run=run, actions=actions[:MOST_ACTIONS], more=len(actions) > MOST_ACTIONS
        )

    def list_prompts() -> ResponseReturnValue:
        rows, trouble = read_licenses()
        with reading(engine) as connection:
            prompts = [shown.prompt(r, rows) for r in requests.list_requests(connection, 100)]
        return render_template("prompts.html", prompts=prompts, trouble=trouble)

    def list_holds() -> ResponseReturnValue:
        with reading(engine) as connection:
            return render_template("holds.html", holds=holds.list_holds(connection, 100))

    def show_hold(id: int) -> ResponseReturnValue:
        with reading(engine) as connection:
            try:
                removals = holds.removals(connection, HoldId(id))
                return render_template("hold.html", hold=holds.get(connection, HoldId(id)), removals=removals)
            except LookupError:
                abort(404, "there is no such hold")

    def list_directories() -> ResponseReturnValue:
        with reading(engine) as connection:
            rows = seen_directories.seen(connection, wiring.clock())
            warnings = seen_directories.warned(connection)
        return render_template("directories.html", directories=rows, warnings=warnings)

    pages.add_url_rule("/", "licenses", licenses)
    pages.add_url_rule("/runs", "runs", list_runs)
    pages.add_url_rule(f"/runs/<int(max={2**63 - 1}):id>", "run", show_run)
    pages.add_url_rule("/prompts", "prompts", list_prompts)
    pages.add_url_rule("/holds", "holds", list_holds)
    pages.add_url_rule(f"/holds/<int(max={2**63 - 1}):id>", "hold", show_hold)
    pages.add_url_rule("/directories", "directories", list_directories)
    return pages
