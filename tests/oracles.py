"""What the paper says, computed again: a few lines of plain torch a view, slow and obvious.

Nothing here calls the library; of a network only its notation, its numbers and its settings are read.
"""

import torch
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as T


def last_map(model, images):
    """The convolutional stack, read off the notation."""
    numbers = [tensor for key, tensor in model.state_dict().items() if key.startswith("features")]
    x = images
    for token in model.config.notation.split():
        if token == "|":
            x = F.max_pool2d(x, 2, 2, ceil_mode=model.ceil_mode)
        elif token == "LRN":
            squares = F.pad(x**2, (0, 0, 0, 0, 2, 2))
            x = x / (2 + 1e-4 * sum(squares[:, i : i + x.shape[1]] for i in range(5))) ** 0.75
        else:
            weight, bias, *numbers = numbers
            x = F.conv2d(x, weight, bias, padding=int(token[4]) // 2).relu()
    return x


def classifier(model, window):
    state = model.state_dict()
    x = window.flatten(1)
    x = (x @ state["classifier.0.weight"].T + state["classifier.0.bias"]).relu()
    x = (x @ state["classifier.3.weight"].T + state["classifier.3.bias"]).relu()
    return x @ state["classifier.6.weight"].T + state["classifier.6.bias"]


def dense(model, images):
    maps = last_map(model, images)
    side = model.crop_size // 2 ** model.config.notation.count("|")
    scores = [
        classifier(model, maps[:, :, row : row + side, column : column + side])
        for row in range(maps.shape[2] - side + 1)
        for column in range(maps.shape[3] - side + 1)
    ]
    return (sum(scores) / len(scores)).softmax(1)


def one_crop(model, images, top, left):
    crop = images[:, :, top : top + model.crop_size, left : left + model.crop_size]
    return classifier(model, last_map(model, crop)).softmax(1)


def centre(model, images):
    crop = T.center_crop(images, [model.crop_size, model.crop_size])
    return classifier(model, last_map(model, crop)).softmax(1)


def multi_crop(model, images, step):
    height, width = images.shape[2:]
    crops = []
    for i in range(5):
        for j in range(5):
            top, left = i * (height - model.crop_size) / 4, j * (width - model.crop_size) / 4
            crops.append(one_crop(model, images, int(top // step * step), int(left // step * step)))
    return sum(crops) / 25


def view(name, model, images, step=1):
    """Posteriors in one view; crops lie on multiples of `step` pixels."""
    match name:
        case "centre":
            return centre(model, images)
        case "dense":
            return dense(model, images)
        case "multi-crop":
            return multi_crop(model, images, step)
        case "multi-crop & dense":
            return (multi_crop(model, images, step) + dense(model, images)) / 2


def evaluate(model, dataset, Q, name, flip, step=1):
    """Posteriors of each image: the mean over test scales and mirror images."""
    rule, dtype = model.preprocessing, next(model.parameters()).dtype
    mean, std = (torch.tensor(numbers, dtype=dtype).view(3, 1, 1) for numbers in (rule.mean, rule.std))
    posteriors = []
    for image, _ in dataset:
        seen = []
        for size in Q:
            pixels = T.resize(image, [size], antialias=True).to(dtype)
            if rule.order == "BGR":
                pixels = pixels[[2, 1, 0]]
            pixels = ((pixels * rule.scale - mean) / std)[None]
            seen.append(view(name, model, pixels, step))
            if flip:
                seen.append(view(name, model, torch.flip(pixels, [3]), step))
        posteriors.append(sum(seen) / len(seen))
    return torch.cat(posteriors)
