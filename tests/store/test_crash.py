"""kill -9 while contacts are being logged: what was acknowledged is there, whole, with its audit.

`CRM_KILLS` sets how often (10 by default).
"""

import os
import random
import signal
import subprocess
import sys
import time

from crm import store
from crm.reports.findings import findings
from tests.probes import TODAY, child_environment, insert_enterprise

KILLS = int(os.environ.get("CRM_KILLS", "10"))

# Logs until killed; each id is printed once the call has returned: acknowledged.
LOGGER = """
import itertools, sys
from crm import store
from crm.actions.followups import log_follow_up
from crm.model import EnterpriseDraft, FollowUpDraft, Method
from tests.probes import NOW, SYSTEM, TODAY
url, name, enterprise, unit = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
database = store.connect(url)
print("ready", flush=True)
for n in itertools.count():
    new = EnterpriseDraft(f"{name}第{n}号企业", owner_unit_id=unit, accept_duplicates=True) if n % 3 == 0 else None
    draft = FollowUpDraft(TODAY, Method.VISIT, f"{name}-{n}", None if new else enterprise, new, next_step="再谈")
    done = log_follow_up(database, SYSTEM, draft, now=NOW, today=TODAY)
    print(done.follow_up_id, done.enterprise_id, f"{name}-{n}", flush=True)
"""


def test_whatever_was_acknowledged_before_a_kill_is_there_whole_and_nothing_by_half(embedded_url):
    rng = random.Random(20260630)
    db = store.connect(embedded_url)
    unit = db.value("select min(id) from unit")
    known = insert_enterprise(db, "老企业", owner_unit_id=unit)
    db.close()
    acknowledged = []
    for kill in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, "-c", LOGGER, embedded_url, f"k{kill}", str(known), str(unit)],
            env=child_environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        # Every other program is let come to its first answer, however busy the machine is.
        first = child.stdout.readline() if kill % 2 else ""
        time.sleep(rng.uniform(0.02, 0.4))
        child.send_signal(signal.SIGKILL)
        out, _err = child.communicate()
        assert child.returncode == -signal.SIGKILL
        # A line cut off by the kill was not read by anybody.
        lines = (first + out).splitlines(keepends=True)
        acknowledged += [tuple(line.split()) for line in lines if line.endswith("\n")]
        db = store.connect(embedded_url)
        stored = {
            (str(i), str(e), content) for i, e, content in db.rows("select id, enterprise_id, content from follow_up")
        }
        assert set(acknowledged) <= stored
        assert len(stored) - len(acknowledged) <= kill + 1, "at most the one in flight at each kill"
        _no_half_of_one(db)
        assert store.verify_audit(db) == []
        assert [f for f in findings(db, today=TODAY) if f.severity == "blocking"] == []
        db.close()
    assert len(acknowledged) >= KILLS, "the kills must hit a working program"


def _no_half_of_one(db):
    """Each contact has its audit, its enterprise (audited too) and its mark on the enterprise; and vice versa."""
    contacts = db.rows("select id, enterprise_id from follow_up order by id")
    audited = db.rows("select subject_id from audit where subject = 'follow_up' and action = 'create' order by id")
    assert [row[0] for row in audited] == [row[0] for row in contacts]
    enterprises = db.rows("select id, last_contact_on, next_contact_on from enterprise order by id")
    made = db.rows("select subject_id from audit where subject = 'enterprise' and action = 'create' order by id")
    assert [row[0] for row in made] == [row[0] for row in enterprises]
    contacted = {row[1] for row in contacts}
    assert enterprises == [(i, TODAY if i in contacted else None, None) for i, _last, _next in enterprises]
    marked = db.rows("select distinct subject_id from audit where subject = 'enterprise' and action = 'contact'")
    assert {row[0] for row in marked} == contacted
