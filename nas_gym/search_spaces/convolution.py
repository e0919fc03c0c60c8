"""What the spaces of convolutional networks share: limits, images, and convolutions that keep the extent."""

from collections.abc import Iterable, Sequence
from math import prod

from nas_gym.errors import InvalidArgumentError
from nas_gym.search_spaces.base import Module

MAX_KERNEL = 64
MAX_FILTERS = 4096
MAX_LAYERS = 64
MAX_LAYER_TOKENS = 100_000
Map = tuple[int, ...]
"""Shape of one sample's feature maps: channels, then height and width, or length alone."""


def check_number_of_layers(*choices: Sequence[object]) -> None:
    """Refuse properties of layers that make more different ones than a vocabulary can hold.

    Args:
        choices: The values that each property may have.

    Raises:
        InvalidArgumentError: If there are too many layers.
    """
    count = prod(map(len, choices))
    if count > MAX_LAYER_TOKENS:
        raise InvalidArgumentError(
            f"these arguments make {count} different layers, at most {MAX_LAYER_TOKENS} are allowed"
        )


def check_images(space_id: str, inputs: tuple[int, ...], kernels: Iterable[tuple[int, ...]]) -> None:
    """Refuse what is no image, and images smaller than a kernel.

    Args:
        space_id: Whose networks shall read them.
        inputs: Shape of one sample.
        kernels: Heights and widths, or lengths over the pixels in a row.

    Raises:
        InvalidArgumentError: If there are not three axes, or a kernel is larger than the image.
    """
    if len(inputs) != 3 or min(inputs) < 1:
        raise InvalidArgumentError(
            f"{space_id} needs images of the shape (channels, height, width), got {tuple(inputs)}"
        )
    _, height, width = inputs
    for kernel in kernels:
        room = (height, width) if len(kernel) == 2 else (height * width,)
        if any(side > available for side, available in zip(kernel, room, strict=True)):
            raise InvalidArgumentError(
                f"a kernel of {'x'.join(map(str, kernel))} is larger than the images of {height}x{width} "
                f"pixels; give {space_id} smaller kernels"
            )


def same_convolution(
    channels: int, filters: int, kernel: tuple[int, ...], stride: tuple[int, ...] | int = 1, *, bias: bool
) -> list[Module]:
    """Return a convolution that keeps the extent at stride 1, after a module that pads if need be.

    The zeros before and after differ by one where the kernel is even: the additional one stands after.
    """
    from torch import nn
    from torch.nn.utils import skip_init

    kind = nn.Conv2d if len(kernel) == 2 else nn.Conv1d
    if all(side % 2 for side in kernel):
        padding = tuple(side // 2 for side in kernel)
        return [skip_init(kind, channels, filters, kernel, stride=stride, padding=padding, bias=bias)]
    before, after = ([(side - 1 + extra) // 2 for side in reversed(kernel)] for extra in (0, 1))
    zeros: Module
    if len(kernel) == 2:
        zeros = nn.ZeroPad2d((before[0], after[0], before[1], after[1]))
    else:
        zeros = nn.ZeroPad1d((before[0], after[0]))
    return [zeros, skip_init(kind, channels, filters, kernel, stride=stride, bias=bias)]
