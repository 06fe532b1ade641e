"""What gets in the way: lost answers, slow calls, missing images, refused writes, clocks, the end of a process."""

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.property.chance import Chance
from tests.property.functions.manifests import IMAGES, Manifests, chances


class Hindrances(Manifests):
    """Faults that last for longer than a step, and time."""

    @rule(
        lost=st.lists(st.sampled_from(["lost, runs on", "lost, runs on", "lost, not done", "lost, done"]), max_size=3)
    )
    def lose_answers(self, lost: list[str]) -> None:
        self.registry.lost = list(lost)
        note(f"the next POSTs of versions: {lost or 'answered'}")

    @rule(
        lost=st.lists(st.sampled_from(["lost, runs on", "lost, runs on", "lost, not done", "lost, done"]), max_size=2)
    )
    def lose_changes(self, lost: list[str]) -> None:
        self.registry.slow = list(lost)
        note(f"the next changes in place: {lost or 'answered'}")

    @rule()
    def lose_deployments(self) -> None:
        """Let the server go on with the next POST of each version's deployment, whose caller hears nothing."""
        self._lose_deployments()

    def _lose_deployments(self, fate: str = "lost, runs on") -> None:
        self.account.posts = dict.fromkeys((item.version_id for item in self.registry.visible), fate)
        note(f"the next POSTs of deployments: {fate}")

    @rule(image=st.sampled_from(IMAGES[:3]), there=st.booleans())
    def push_or_remove_an_image(self, image: str, there: bool) -> None:
        (self.registry.unpushed.discard if there else self.registry.unpushed.add)(image)
        note(f"{image} is {'there' if there else 'not in its registry'}")

    @rule(refuses=st.sampled_from(["", "", "", "status", "finalizers"]), chance=chances)
    def refuse_writes(self, refuses: str, chance: Chance) -> None:
        self.cluster.refuses = refuses
        self._step(f"admission refuses: {refuses or 'nothing'}", chance)

    @rule(seconds=st.sampled_from([1, 5, 30, 80, 200, 600]), chance=chances)
    def wait(self, seconds: float, chance: Chance) -> None:
        self._step(f"{seconds} s pass", chance, seconds)

    @rule(ahead=st.sampled_from([0.0, -7200.0, 7200.0]))
    def set_the_clock(self, ahead: float) -> None:
        self.operator.wall_is_ahead = ahead
        self._step(f"the operator's clock is {ahead:.0f} s ahead", Chance())

    @rule()
    def die(self) -> None:
        self._restart()
        self._step("a restart", Chance())
