"""What users do with FunctionDeployments that refer to CloudFunctions."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.property.chance import Chance
from tests.property.functions.manifests import TEMPLATE, Manifests, chances, image, revision, which
from tests.property.functions.world import DEPLOYMENTS, FUNCTIONS
from tests.property.nvcf_model import GPU

gpu = st.sampled_from(["L40S", "H100"])


class Deployments(Manifests):
    """References, pins, and GPUs."""

    @rule(which=which, of=which, pin=revision, chance=chances)
    def follow(self, which: int, of: int, pin: str | None, chance: Chance) -> None:
        self._follow(which, of, pin, chance)

    def _follow(self, which: int, of: int, pin: str | None, chance: Chance) -> None:
        key = DEPLOYMENTS[which]
        if key in self.cluster.objects:
            return
        ref = {"name": FUNCTIONS[of].name} | ({"revision": pin} if pin else {})
        self._now()
        rollout = {"immutableChange": "Redeploy"}
        self.cluster.create(key, {"functionRef": ref, "deploymentSpecifications": [GPU], "rollout": rollout})
        self._step(f"create {key}, which follows {ref}", chance)

    @rule(which=which, pin=revision, gpu=gpu, chance=chances)
    def change_deployment(self, which: int, pin: str | None, gpu: str, chance: Chance) -> None:
        obj = self.cluster.objects.get(DEPLOYMENTS[which])
        if obj is None:
            self._follow(which, which, pin, chance)
            return
        ref = {"name": obj["spec"]["functionRef"]["name"]} | ({"revision": pin} if pin else {})
        self._edit(DEPLOYMENTS[which], chance, functionRef=ref, deploymentSpecifications=[GPU | {"gpu": gpu}])

    @rule(which=which, image=image, gpu=gpu, first=st.booleans(), chance=chances)
    def change_both(self, which: int, image: str, gpu: str, first: bool, chance: Chance) -> None:
        """One commit that changes an image and a GPU, whose objects arrive in either order."""
        one, other = (self._change_image, self._change_gpu) if first else (self._change_gpu, self._change_image)
        one(which, image if first else gpu, chance)
        other(which, gpu if first else image, Chance())

    def _change_image(self, which: int, image: str, chance: Chance) -> None:
        self._edit(self._function(which), chance, template=TEMPLATE | {"containerImage": image}, revision=None)

    def _change_gpu(self, which: int, gpu: str, chance: Chance) -> None:
        key = DEPLOYMENTS[which] if DEPLOYMENTS[which] in self.cluster.objects else DEPLOYMENTS[0]
        self._edit(key, chance, deploymentSpecifications=[GPU | {"gpu": gpu}])
