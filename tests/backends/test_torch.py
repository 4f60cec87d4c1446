"""What only the PyTorch backend promises: equality with the same network written plainly, and its devices."""

import numpy as np
import pytest
import torch

from converters.weights import to_official
from tests.networks import forward, logits, randomise, some_images
from tests.plain_torch import plain_network
from tests.supernets import ACTIVATED
from toolkit.backends import get_backend
from toolkit.backends.base import SGD, Adam
from toolkit.backends.torch.network import TorchNetwork
from toolkit.errors import InputError
from toolkit.spaces import SearchSpace, get_space
from toolkit.training.reorder import reorder_channels


def plainly(network: TorchNetwork, space: SearchSpace) -> torch.nn.Module:
    plain = plain_network(network.space.supernet_plans(space.largest))
    plain.load_state_dict({name: torch.from_numpy(a) for name, a in network.weights().items()}, strict=False)
    return plain


def test_the_largest_candidate_is_the_plain_network(space: SearchSpace) -> None:
    backend = get_backend("torch", "cpu")
    network = backend.network(space, space.widest, 0)
    randomise(network)
    images = some_images(space)
    plain = plainly(network, space)
    x = backend.normalise(backend.place(images), (0.5,) * space.channels, (0.25,) * space.channels)
    with torch.no_grad():
        for mode, norm in (("eval", network.stored_norm()), ("train", network.batch_norm())):
            expected = getattr(plain, mode)()(x)
            found = logits(backend, network, space.largest, images, norm)
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_gradients_and_running_statistics_are_the_plain_networks(space: SearchSpace) -> None:
    backend = get_backend("torch", "cpu")
    network = backend.network(space, space.widest, 0)
    randomise(network)
    plain = plainly(network, space).train()
    x = backend.normalise(backend.place(some_images(space)), (0.5,) * space.channels, (0.25,) * space.channels)
    labels = backend.place(np.arange(8) % space.classes)
    network.ops.backward(network.ops.cross_entropy(forward(network, space.largest, x), labels, 0.1))
    torch.nn.functional.cross_entropy(plain(x), labels, label_smoothing=0.1).backward()
    own = dict(network.named_parameters())
    largest = max(float(parameter.grad.abs().max()) for parameter in plain.parameters())
    for name, parameter in plain.named_parameters():  # of a bias before a batch norm there is rounding only
        scale = max(float(parameter.grad.abs().max()), 3e-3 * largest) + 1e-6
        np.testing.assert_allclose(own[name].grad / scale, parameter.grad / scale, atol=2e-3, err_msg=name)
    weights = network.weights()
    for name, buffer in plain.named_buffers():
        if "running" in name:
            np.testing.assert_allclose(weights[name], buffer, rtol=1e-4, atol=1e-5, err_msg=name)


def test_the_official_layout() -> None:
    """challenge-2022.md section 7: 252 tensors, 34,067,880 numbers with batch-norm statistics, names and shapes."""
    space = get_space("resnet48")
    official = to_official(get_backend("torch", "cpu").network(space, space.widest, seed=0).weights())
    expected = {"blocks.0.conv.weight": (64, 3, 7, 7), "blocks.24.fc.weight": (512, 1000), "blocks.24.fc.bias": (1000,)}

    def norm(name: str, channels: int) -> dict[str, tuple[int, ...]]:
        return {f"{name}.{part}": (channels,) for part in ("weight", "bias", "_mean", "_variance")}

    expected |= norm("blocks.0.bn", 64)
    before = 64
    for channels, blocks in ((64, range(1, 6)), (128, range(6, 11)), (256, range(11, 19)), (512, range(19, 24))):
        for i in blocks:
            expected[f"blocks.{i}.conv1.weight"] = (channels, before, 3, 3)
            expected[f"blocks.{i}.conv2.weight"] = (channels, channels, 3, 3)
            expected |= norm(f"blocks.{i}.bn1", channels) | norm(f"blocks.{i}.bn2", channels)
            if before != channels:
                expected[f"blocks.{i}.downsample.0.weight"] = (channels, before, 1, 1)
                expected |= norm(f"blocks.{i}.downsample.1", channels)
            before = channels
    assert {name: array.shape for name, array in official.items()} == expected
    assert len(official) == 252
    assert sum(array.size for array in official.values()) == 34_067_880


def test_reordering_puts_the_strongest_channels_first_and_keeps_the_largest_network() -> None:
    backend, space = get_backend("torch", "cpu"), get_space("resnet48-mini")
    network = backend.network(space, space.widest, 0)
    randomise(network)
    images = some_images(space)
    before = {
        arch: logits(backend, network, arch, images, network.stored_norm()) for arch in (space.largest, space.smallest)
    }
    network.load_weights(reorder_channels(network.weights()))
    after = {arch: logits(backend, network, arch, images, network.stored_norm()) for arch in before}
    np.testing.assert_allclose(after[space.largest], before[space.largest], rtol=1e-3, atol=1e-3)
    assert np.abs(after[space.smallest] - before[space.smallest]).max() > 1e-2
    importance = np.abs(network.weights()["blocks.12.conv2.weight"]).sum((0, 2, 3))
    assert (np.diff(importance) <= 1e-3).all()


def test_bf16_is_near_and_its_losses_are_float32() -> None:
    space = get_space("resnet48-mini")
    exact, fast = get_backend("torch", "cpu"), get_backend("torch", "cpu", "bf16")
    networks = [backend.network(space, space.widest, 0) for backend in (exact, fast)]
    x = exact.normalise(exact.place(some_images(space, 16)), (0.5,), (0.25,))
    first, second = (forward(network, space.largest, x) for network in networks)
    assert second.dtype == torch.bfloat16
    assert torch.allclose(first, second.float(), atol=0.05)
    assert networks[1].ops.cross_entropy(second, torch.zeros(16, dtype=torch.long)).dtype == torch.float32


@pytest.mark.parametrize("name", ACTIVATED)
def test_every_activation_trains_in_bf16(name: str) -> None:
    """Activations stay bf16 behind it, a learned slope and its gradient float32."""
    space, backend = ACTIVATED[name], get_backend("torch", "cpu", "bf16")
    network = backend.network(space, space.widest, 0)
    x = backend.normalise(backend.place(some_images(space, 4)), (0.5,) * 3, (0.25,) * 3)
    logits_ = forward(network, space.largest, x)
    assert logits_.dtype == torch.bfloat16
    network.ops.backward(network.ops.cross_entropy(logits_, torch.arange(4)))
    assert {gradient.dtype for gradient in network.gradients().values()} == {torch.float32}


def test_devices_that_are_not_there() -> None:
    with pytest.raises(InputError, match="unknown device 'tpu'"):
        get_backend("torch", "tpu")
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="no CUDA device"):
            get_backend("torch", "cuda")
    with pytest.raises(InputError, match="did you mean 'torch'"):
        get_backend("torhc")


LAID_OUT = {
    "as its parameter": lambda: torch.randn(4, 6, 3, 3),
    "channels last": lambda: torch.randn(4, 6, 3, 3).to(memory_format=torch.channels_last),
    "transposed": lambda: torch.randn(6, 4, 3, 3).transpose(0, 1),
    "a view": lambda: torch.randn(6, 8, 5, 3)[1:5, :6, 1:4],
    "expanded": lambda: torch.randn(4, 6, 1, 1).expand(4, 6, 3, 3),
}


@pytest.mark.parametrize("config", [SGD(nesterov=True, weight_decay=0.1), SGD(momentum=0.0), Adam(weight_decay=0.1)])
@pytest.mark.parametrize("layout", LAID_OUT)
def test_an_update_is_the_plain_one_however_the_gradient_lies_in_memory(layout: str, config: SGD | Adam) -> None:
    torch.manual_seed(0)
    arrays = {name: torch.randn(4, 6, 3, 3).numpy() for name in ("first", "later")}
    given = get_backend("torch", "cpu").parameters(arrays)
    optimizer = get_backend("torch", "cpu").optimizer({"": given}, config)
    plain = {name: torch.nn.Parameter(torch.from_numpy(array.copy())) for name, array in arrays.items()}
    common = {"lr": 0.1, "weight_decay": config.weight_decay, "foreach": False}
    if isinstance(config, SGD):
        expected = torch.optim.SGD(plain.values(), momentum=config.momentum, nesterov=config.nesterov, **common)
    else:
        expected = torch.optim.Adam(plain.values(), **common)
    for step in range(4):
        for name in ("first", "later")[: 1 + (step > 0)]:
            given.tensors[name].grad, plain[name].grad = (gradient := LAID_OUT[layout]()), gradient.clone()
        optimizer.step(0.1)
        expected.step()
        for name, tensor in plain.items():
            np.testing.assert_allclose(given.weights()[name], tensor.detach(), rtol=1e-5, atol=1e-6)
