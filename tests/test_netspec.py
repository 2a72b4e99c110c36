"""NetSpecs: keys, counts and the builder, and the published networks down to the last parameter."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nasface.netspec import (
    INPUT,
    Activation,
    Conv,
    NetBuilder,
    NetSpec,
    has_bias,
    random_weights,
    single_layer,
    to_dict,
)
from nasface.spaces import OfaMbv3, OfaMbv3Config
from nasface.spaces.published import PublishedSubnet, published_subnets
from nasface.testing.synthetic import face_space

COUNTS = {
    "Subnet 1, 865": (4_732_032, 298.95),
    "Subnet 2, 865": (3_310_128, 209.24),
    "Subnet 1, 765": (4_889_096, 305.39),
    "Subnet 2, 765": (3_141_032, 199.89),
    "Raspberry Pi, 100 ms": (4_766_448, 327.15),
    "Raspberry Pi, 64 ms": (3_309_296, 203.17),
    "FER 865, 12.1 ms": (3_906_752, 277.84),
    "FER 865, 9.15 ms": (3_156_008, 203.22),
}
"""Parameters without classifier, and MACs in millions at 224 pixels, counted in torch with OFA's own counter."""


@pytest.fixture
def tiny() -> NetSpec:
    """A stem with everything a layer can have, then a squeeze-and-excitation block and a linear layer."""
    net = NetBuilder("tiny", (9, 8, 3))
    with net.layer("Conv"):
        x = net.conv(INPUT, "stem", channels=4, kernel=3, stride=2, norm="bn")
        x = net.activation(x, "prelu")
    with net.layer("Block", stage=1, kernel=5, hs=1):
        y = net.conv(x, "depth", channels=4, kernel=5, groups=4, bias=True)
        gate = net.conv(net.global_avg_pool(y, "pool"), "gate", channels=4, bias=False)
        y = net.multiply(y, net.activation(gate, "h_sigmoid"), "scale")
        x = net.add(y, x, "sum")
    with net.layer("Head"):
        x = net.max_pool(x, "max", kernel=3, stride=2, padding=1)
        net.linear(net.global_avg_pool(x, "mean"), "linear", features=2)
    return net.build()


class TestNetSpec:
    def test_shapes_and_keys(self, tiny: NetSpec) -> None:
        assert [layer.key for layer in tiny.layers] == [
            "Conv-input:9x8x3-output:5x4x4",
            "Block-input:5x4x4-output:5x4x4-kernel:5-hs:1",
            "Head-input:5x4x4-output:1x1x2",
        ]
        assert (tiny.output, tiny.output_shape) == ("linear", (1, 1, 2))
        assert [layer.stage for layer in tiny.layers] == [None, 1, None]

    def test_counts(self, tiny: NetSpec) -> None:
        assert [layer.params for layer in tiny.layers] == [4 * 3 * 9 + 2 * 4 + 4, 4 * 25 + 4 + 16, 4 * 2 + 2]
        assert [layer.macs for layer in tiny.layers] == [4 * 3 * 9 * 20, 4 * 25 * 20 + 16, 8]
        assert tiny.params == sum(layer.params for layer in tiny.layers)
        assert tiny.deployed_weights == tiny.params - 4, "two values per channel fold into one bias"

    def test_random_weights_are_the_deployed_ones(self, tiny: NetSpec, rng: np.random.Generator) -> None:
        weights = random_weights(tiny, rng)
        assert sum(array.size for array in weights.values()) == tiny.deployed_weights
        assert set(weights) == {
            "stem.weight", "stem.bias", "stem.prelu.weight", "depth.weight", "depth.bias", "gate.weight",
            "linear.weight", "linear.bias",
        }  # fmt: skip
        assert all(array.dtype == np.float32 for array in weights.values())

    def test_depthwise_and_bias(self, tiny: NetSpec) -> None:
        convs = {op.name: op for op in tiny.ops if isinstance(op, Conv)}
        assert {name: op.depthwise for name, op in convs.items()} == {"stem": False, "depth": True, "gate": False}
        assert {name: has_bias(op) for name, op in convs.items()} == {"stem": True, "depth": True, "gate": False}

    def test_single_layer_stands_alone(self, tiny: NetSpec) -> None:
        alone = single_layer(tiny.layers[1])
        assert alone.input_shape == (5, 4, 4)
        assert (alone.layers[0].key, alone.params, alone.macs) == (
            tiny.layers[1].key,
            tiny.layers[1].params,
            tiny.layers[1].macs,
        )
        known = {INPUT}
        for op in alone.ops:
            assert set(op.inputs) <= known
            known.add(op.name)

    def test_dictionary_is_json(self, tiny: NetSpec) -> None:
        content = json.loads(json.dumps(to_dict(tiny)))
        assert [layer["key"] for layer in content["layers"]] == [layer.key for layer in tiny.layers]
        assert content["layers"][0]["ops"][0].items() >= {"op": "Conv", "name": "stem", "stride": 2}.items()

    def test_shapes_of_what_has_no_weights(self) -> None:
        net = NetBuilder("maps", (8, 6, 3))
        with net.layer("Maps"):
            small = net.avg_pool(INPUT, "small", kernel=3, stride=2, padding=1)
            large = net.upsample(small, "large", factor=2)
            net.flatten(net.concat([INPUT, large], "joined"), "flat")
        spec = net.build(large, "flat")
        assert spec.output_shapes == {"large": (8, 6, 3), "flat": (1, 1, 8 * 6 * 6)}
        assert [op.shape for op in spec.ops] == [(4, 3, 3), (8, 6, 3), (8, 6, 6), (1, 1, 288)]
        assert (spec.params, spec.macs, spec.deployed_weights) == (0, 0, 0)
        assert to_dict(spec)["outputs"] == ["large", "flat"]
        with pytest.raises(RuntimeError, match="no values wrong"):
            net.build("wrong")
        with pytest.raises(RuntimeError, match="one height and width"):
            net.concat([INPUT, small], "odd")

    def test_builder_refuses_misuse(self) -> None:
        net = NetBuilder("tiny", (8, 8, 3))
        with pytest.raises(RuntimeError, match="inside `with"):
            net.conv(INPUT, "stem", channels=4)
        with net.layer("Conv"), pytest.raises(RuntimeError, match="two operations are named stem"):
            net.conv(net.conv(INPUT, "stem", channels=4), "stem", channels=4)

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            (lambda net, x: net.add(x, INPUT, "sum"), "adds values of one shape"),
            (lambda net, x: net.multiply(x, INPUT, "product"), "one number a channel"),
            (lambda net, x: net.conv(x, "grouped", channels=4, groups=3), "do not divide"),
            (lambda net, x: net.conv(x, "huge", channels=4, kernel=11, padding=0), "window of 11"),
            (lambda net, x: net.max_pool(x, "pool", kernel=20, stride=1, padding=0), "window of 20"),
            (lambda net, x: net.linear(x, "head", features=4), "pool or flatten"),
            (lambda net, x: net.activation(x, "swoosh"), "no activation"),
        ],
    )
    def test_builder_refuses_what_is_no_network(self, wrong: Callable[[NetBuilder, str], str], said: str) -> None:
        net = NetBuilder("tiny", (8, 8, 3))
        with net.layer("Conv"):
            x = net.conv(INPUT, "stem", channels=4)
            with pytest.raises(RuntimeError, match=said):
                wrong(net, x)

    def test_builder_refuses_an_empty_layer(self) -> None:
        net = NetBuilder("tiny", (8, 8, 3))
        with pytest.raises(RuntimeError, match="has no operations"), net.layer("Nothing"):
            pass

    def test_a_layer_of_two_values_is_no_layer_alone(self) -> None:
        net = NetBuilder("tiny", (8, 8, 3))
        with net.layer("First"):
            x = net.conv(INPUT, "stem", channels=3)
        with net.layer("Sum"):
            net.add(x, INPUT, "sum")
        with pytest.raises(RuntimeError, match="reads input, stem"):
            single_layer(net.build().layers[-1])


def lut_keys(space: OfaMbv3) -> list[str]:
    return sorted(layer.key for layer in space.layers())


class TestPublishedNetworks:
    """The eight sub-networks that the paper's authors published, at 224 pixels."""

    @pytest.mark.parametrize("subnet", published_subnets(), ids=lambda subnet: subnet.name)
    def test_counts(self, subnet: PublishedSubnet) -> None:
        space = face_space()
        spec = space.build(space.from_dict(subnet.genotype))
        params, macs = COUNTS[subnet.name]
        assert spec.params == params
        assert round(spec.macs / 1e6, 2) == macs
        assert spec.output_shape == (1, 1, 1536)

    @pytest.mark.parametrize(
        ("genes", "params", "macs"), [((7, 6, 4), 9_164_632, 841.57), ((3, 3, 2), 3_065_456, 191.54)]
    )
    def test_extremes(self, genes: tuple[int, int, int], params: int, macs: float) -> None:
        space = face_space()
        spec = space.build(space.from_dict(dict(zip(("ks", "e", "d"), genes, strict=True))))
        assert (spec.params, round(spec.macs / 1e6, 2)) == (params, macs)

    def test_operations(self) -> None:
        """Squeeze-and-excitation in stages 2, 4, 5; ReLU in the first two stages and the fixed block, h-swish after."""
        space = face_space()
        spec = space.build(space.from_dict(published_subnets()[0].genotype))
        squeezed = {layer.stage for layer in spec.layers if layer.se}
        functions = {
            layer.stage: {op.function for op in layer.ops if isinstance(op, Activation)} - {"h_sigmoid"}
            for layer in spec.layers[2:-3]
        }
        assert squeezed == {1, 3, 4}
        assert functions == {
            0: {"relu"}, 1: {"relu"}, 2: {"h_swish"}, 3: {"h_swish", "relu"}, 4: {"h_swish", "relu"},
        }  # fmt: skip

    @pytest.mark.parametrize("name", ["subnet1_865", "subnet2_865", "subnet1_765", "subnet2_765"])
    def test_net_config_equals_the_published_file(self, shared_data: Path, name: str) -> None:
        config = json.loads((shared_data / "published" / f"{name}.net.config").read_text())
        space = face_space()
        genotype = space.from_dict(config)
        ours = json.loads(json.dumps(space.net_config(genotype)))
        config.pop("classifier")
        ours.pop("classifier")
        assert ours == config
        subnet = name.replace("subnet", "Subnet ").replace("_", ", ")
        [published] = [net for net in published_subnets() if net.name == subnet]
        np.testing.assert_array_equal(genotype, space.from_dict(published.genotype))

    def test_keys_equal_the_published_list(self, shared_data: Path) -> None:
        keys = (shared_data / "published" / "lut_keys_224.txt").read_text().split()
        assert lut_keys(face_space()) == [key for key in keys if not key.startswith("Logits")]

    def test_keys_without_the_list(self) -> None:
        keys = lut_keys(face_space())
        assert len(keys) == len(set(keys)) == 95
        assert "Conv_1-input:7x7x192-output:7x7x1152" in keys
        assert "expanded_conv-input:112x112x24-output:56x56x32-expand:72-kernel:3-stride:2-idskip:0-se:0-hs:0" in keys

    def test_imagenet_width(self) -> None:
        """Width 1.0 is OFA's ImageNet space: 960 and 1280 channels at the end."""
        space = OfaMbv3(OfaMbv3Config())
        spec = space.build(space.from_dict({"ks": 7, "e": 6, "d": 4}))
        assert spec.layers[-1].key == "Conv_2-input:1x1x960-output:1x1x1280"
        assert len(lut_keys(space)) == 95
