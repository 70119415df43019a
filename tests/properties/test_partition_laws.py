"""Planned in partitions, a source comes to the same as planned at once, however it is cut."""

import json
from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from customer_sync.run.edges import RunOptions
from customer_sync.run.scale import Scale
from session_stage import Shop
from thoroughness import examples
from two_shops import ADDRESSES, CUSTOMERS, TwoShops, told

WHOLE = Scale(least_bytes=2**60)
"""Nothing is ever so large."""


class OneInPartitions(TwoShops):
    """The first shop plans in partitions of a few customers, the other all of them at once."""

    part_bytes = 300

    def options(self, shop: Shop, options: RunOptions) -> RunOptions:
        """Cut the input of the first shop, and never that of the other."""
        cut = Scale(least_bytes=1, part_bytes=self.part_bytes)
        return replace(options, scale=cut if shop is self.one else WHOLE)

    @rule(size=st.sampled_from((60, 300, 2000)))
    def cut(self, size: int) -> None:
        """From now on, cut into pieces of another size."""
        self.part_bytes = size

    @rule(customer=st.sampled_from(CUSTOMERS))
    def delete(self, customer: str) -> None:
        """Tell of a deletion by the id alone."""
        self.leave(customer)
        self.tell_all({"event": "customer_deleted", "data": {"id": customer}})

    @rule(
        customer=st.sampled_from(CUSTOMERS),
        old=st.sampled_from(ADDRESSES),
        new=st.sampled_from(ADDRESSES),
    )
    def tell_of_a_move(self, customer: str, old: str, new: str) -> None:
        """Tell of a move from an address that may be somebody else's, together with a deletion."""
        moved = {"id": customer, "changes": {"email": {"old": old, "new": new}}}
        gone = {"email": old}
        self.tell_all(
            {"event": "customer_deleted", "data": gone},
            {"event": "customer_updated", "data": moved},
        )

    @rule(email=st.sampled_from(ADDRESSES), is_yes=st.booleans())
    def tell_without_an_id(self, email: str, is_yes: bool) -> None:
        """Tell of somebody by the address alone."""
        fields = {"email": email, "acceptsMarketing": is_yes}
        self.tell_all({"event": "customer_updated", "data": fields})

    def both(self, name: str, lines: list[str], options: RunOptions) -> None:
        """Look at the plan of one shop both ways before it is carried out."""
        path = self.one.folder / name
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        digests, reports = [], []
        for scale in (self.options(self.one, options).scale, WHOLE):
            report = self.one.run(
                sources=(str(path),), options=replace(options, scale=scale), dry_run=True
            )
            digests.append(report.digest)
            reports.append(told(report))
        # Whoever is absent from an export is deleted as of the time of the run.
        assert options.is_complete or digests[0] == digests[1]
        assert reports[0] == reports[1]
        super().both(name, lines, options)

    def tell_all(self, *told: dict[str, object]) -> None:
        """Run some events by themselves."""
        self.later(60)
        at = self.one.clock.now().isoformat()
        self.both(
            "events.jsonl", [json.dumps({**one, "timestamp": at}) for one in told], RunOptions()
        )


TestOneInPartitions = OneInPartitions.TestCase
TestOneInPartitions.settings = settings(
    max_examples=examples(12),
    stateful_step_count=15,
    suppress_health_check=list(HealthCheck),
    deadline=None,
)
