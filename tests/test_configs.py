import pytest

from vggstudy.configs import CONFIGS, LRN, Conv, Pool, find_config, parse
from vggstudy.errors import ConfigError
from vggstudy.paper import WEIGHT_LAYERS


def test_weight_layers_are_those_of_table_1():
    assert {name: config.weight_layers for name, config in CONFIGS.items()} == WEIGHT_LAYERS


def test_every_configuration_has_five_pools_and_doubling_channels():
    for config in CONFIGS.values():
        assert [block[0].channels for block in config.blocks] == [64, 128, 256, 512, 512]
        assert config.stride == 32


def test_c_differs_from_d_only_in_the_kernel_of_the_last_convolution_of_the_last_three_blocks():
    pairs = [(c, d) for c, d in zip(CONFIGS["C"].convs, CONFIGS["D"].convs, strict=True) if c != d]
    assert [(c.kernel, d.kernel, c.channels) for c, d in pairs] == [(1, 3, 256), (1, 3, 512), (1, 3, 512)]


def test_padding_keeps_the_resolution():
    assert Conv(3, 1).padding == 1 and Conv(1, 1).padding == 0 and Conv(7, 1).padding == 3


@pytest.mark.parametrize("name", CONFIGS)
def test_notation_reads_back(name):
    assert parse(CONFIGS[name].notation, name) == CONFIGS[name]


def test_a_readers_own_stack():
    assert parse("conv5-64|conv3-128 LRN |").layers == (Conv(5, 64), Pool(), Conv(3, 128), LRN(), Pool())


def test_lrn_with_other_constants_is_written_and_read_back():
    """Written as LRN alone, a network of a checkpoint would come back with Krizhevsky's constants."""
    config = parse("conv3-64 LRN(k=1,alpha=2e-05) | conv3-8 lrn(size=3,beta=0.5) LRN()")
    assert config.layers[1] == LRN(k=1.0, alpha=2e-5) and config.layers[-2:] == (LRN(size=3, beta=0.5), LRN())
    assert parse(config.notation).layers == config.layers == find_config(config.notation).layers
    assert str(LRN()) == "LRN" and str(LRN(k=1.0)) == "LRN(k=1.0)"


def test_named_layers_count_convolutions_within_their_block():
    names = [name for name, _ in CONFIGS["A-LRN"].named_layers()]
    assert names[:5] == ["conv1_1", "lrn1_1", "pool1", "conv2_1", "pool2"]
    assert names[-3:] == ["conv5_1", "conv5_2", "pool5"]


def test_without_last_pool_has_half_the_stride_and_is_idempotent():
    small = CONFIGS["D"].without_last_pool()
    assert (small.name, small.stride) == ("D", 16)
    assert small.without_last_pool() == small


@pytest.mark.parametrize(
    ("alias", "name"),
    [("d", "D"), ("vgg16", "D"), ("VGG-16", "D"), ("vgg_19", "E"), ("vgg11", "A"), ("a-lrn", "A-LRN"), ("VGG A", "A")],
)
def test_other_names_in_use(alias, name):
    assert find_config(alias) is CONFIGS[name]


def test_a_stack_is_found_by_its_notation():
    assert find_config("conv7-8 |").convs == (Conv(7, 8),)


@pytest.mark.parametrize(
    ("notation", "token"),
    [
        ("conv3-64 | pool", "'pool'"),
        ("conv4-64 |", "'conv4-64'"),
        ("conv3-0", "'conv3-0'"),
        ("conv3", "'conv3'"),
        ("conv3-64 LRN(n=5)", "'LRN(n=5)'"),
        ("conv3-64 LRN(k)", "'LRN(k)'"),
        ("conv3-64 LRN(size=0)", "'LRN(size=0)'"),
        ("conv3-64 LRN(k=one)", "'LRN(k=one)'"),
    ],
)
def test_bad_notation_names_the_token_and_what_is_allowed(notation, token):
    with pytest.raises(ConfigError) as error:
        parse(notation)
    message = str(error.value)
    assert token in message and "allowed" in message and "\n" not in message


@pytest.mark.parametrize("notation", ["", "| |", "LRN", "LRN conv3-64"])
def test_a_stack_begins_with_a_convolution(notation):
    with pytest.raises(ConfigError):
        parse(notation)


def test_a_wrong_name_gets_the_close_matches():
    with pytest.raises(ConfigError, match="did you mean VGG1"):
        find_config("vgg17")
