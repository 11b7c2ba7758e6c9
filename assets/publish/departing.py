"""The departing border: every audience of a finished build is checked before anything of it may leave.

What lives here: the checks as Dagster sees them, and their verdicts on file for the certificate. What does not: what is
promised (expectations/departing), and refusing to send (perennial/activation reads the certificate).

A broken promise blocks that audience's sending, in this run and in any later one, through the certificate; it does not
block the tables. So the checks are blocking, which makes publishing wait for them, and a failure is a warning, which
lets it go on.
"""

from collections.abc import Iterator, Mapping

import dagster as dg

from assets.night import Night
from expectations import runner
from expectations.departing import audience as suite
from expectations.parts import read_parts
from expectations.promise import failures
from perennial.audiences.definition import AudienceDefinition
from perennial.warehouse import build
from perennial.warehouse.certificate import AudienceVerdict
from perennial.warehouse.duck import connect

CHECK = "may_leave"
NO_LIMIT = 1_000_000_000


def departing_checks(
    audiences: Mapping[str, AudienceDefinition], keys: Mapping[str, dg.AssetKey]
) -> list[dg.AssetChecksDefinition]:
    """One step for all audiences: the library is imported once. No audience, no step."""
    if not audiences:
        return []
    specs = [
        dg.AssetCheckSpec(CHECK, asset=keys[name], blocking=True, description=_describe(definition))
        for name, definition in audiences.items()
    ]

    @dg.multi_asset_check(name="departing_checks", specs=specs)
    def departing(night: dg.ResourceParam[Night]) -> Iterator[dg.AssetCheckResult]:
        with night.step("check departing audiences") as line:
            verdicts, sizes = judge_all(night, audiences)
            line.rows = sum(sizes.values())
            for name, verdict in verdicts.items():
                yield _result(keys[name], verdict, sizes[name])

    return [departing]


def judge_all(
    night: Night, audiences: Mapping[str, AudienceDefinition]
) -> tuple[dict[str, AudienceVerdict], dict[str, int]]:
    """Each audience's verdict and size, from the build file; the verdicts are written down for this very build."""
    record = build.read_record(night.home)
    verdicts, sizes = {}, {}
    with connect(night.home.build_file, read_only=True) as connection:
        for name, definition in audiences.items():
            broken, sizes[name] = _broken(connection, name, definition)
            verdicts[name] = AudienceVerdict(not broken, tuple(broken))
            if broken:
                night.tally.held.append(f"audience {name} may not leave: {'; '.join(broken)}")
    build.write_verdicts(night.home, record.snapshot_id, verdicts)
    return verdicts, sizes


def _broken(connection: object, name: str, definition: AudienceDefinition) -> tuple[list[str], int]:
    consent, band = definition.consent, definition.size
    promises = suite.member_promises(definition.address)
    members = suite.members(connection, name, definition.address, consent.channel, consent.purpose, consent.brand)
    findings = runner.check(read_parts(members, members.columns), promises)
    size = suite.size(connection, name)
    upper = NO_LIMIT if band.maximum is None else band.maximum
    findings += runner.check(read_parts(size, size.columns), [suite.size_promise(band.minimum, upper)])
    return failures(findings), int(size.limit(1).fetchall()[0][0])


def _result(key: dg.AssetKey, verdict: AudienceVerdict, size: int) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=verdict.passed,
        asset_key=key,
        check_name=CHECK,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(verdict.failures) or None,
        metadata={"members": size, "broken_promises": len(verdict.failures)},
    )


def _describe(definition: AudienceDefinition) -> str:
    return (
        f"Every member has a {definition.address} of the right shape and {definition.consent.purpose} consent for"
        f" {definition.consent.channel}; nobody is there twice; the size is within its band."
        " An audience that fails stays at home, its tables are published all the same."
    )
