"""Where the header of an H.264 slice ends (ITU-T H.264, 7.3.3): behind it are coded macroblocks."""

from collections.abc import Sequence
from dataclasses import dataclass

from media.wire.bits import BitReader, MalformedConfiguration
from media.wire.nal import IDR_NAL_TYPE, PPS_NAL_TYPE, AvcConfiguration
from media.wire.sps import SPS_NAL_TYPE, SequenceParameterSet, parse_sequence_parameter_set

# Table 7-6, modulo 5.
_P, _B, _I, _SP, _SI = range(5)
_INTRA = frozenset({_I, _SI})
# Most headers are much shorter; weights of many reference pictures make them long.
_FIRST_LOOK_BYTES = 64
HEADER_BYTES_MAX = 1024
# 7.4.3: num_ref_idx_l0_active_minus1 of fields; commands of one header are fewer as well.
_REFERENCES_MAX = 32
_COMMANDS_MAX = 66


@dataclass(frozen=True, slots=True)
class PictureParameterSet:
    """What slice headers are made of that the picture decides (7.3.2.2)."""

    number: int
    sequence: int
    arithmetic: bool
    order_in_frame: bool
    references: tuple[int, int]
    weighted: bool
    weighted_both: bool
    deblocking: bool
    redundant: bool


def parse_picture_parameter_set(nal: bytes) -> PictureParameterSet:
    """Read one PPS NAL unit, header byte included.

    Raises:
        MalformedConfiguration: it is no PPS, ends early or has slice groups, which nothing plays.
    """
    if not nal or nal[0] & 0x1F != PPS_NAL_TYPE:
        raise MalformedConfiguration("not a picture parameter set")
    bits = BitReader(_unescaped(nal[1:HEADER_BYTES_MAX]))
    number, sequence = bits.exp_golomb(), bits.exp_golomb()
    arithmetic, order_in_frame = bits.flag(), bits.flag()
    if bits.exp_golomb():
        raise MalformedConfiguration("slice groups are not supported")
    references = bits.exp_golomb() + 1, bits.exp_golomb() + 1
    weighted, weighted_both = bits.flag(), bits.read(2) == 1
    for _ in range(3):  # pic_init_qp_minus26, pic_init_qs_minus26, chroma_qp_index_offset
        bits.signed_exp_golomb()
    deblocking, _, redundant = bits.flag(), bits.flag(), bits.flag()
    return PictureParameterSet(
        number=number,
        sequence=sequence,
        arithmetic=arithmetic,
        order_in_frame=order_in_frame,
        references=references,
        weighted=weighted,
        weighted_both=weighted_both,
        deblocking=deblocking,
        redundant=redundant,
    )


class SliceHeaders:
    """Knows the parameter sets of a stream, also those that come between its slices."""

    def __init__(self, configuration: AvcConfiguration) -> None:
        self._sequences: dict[int, SequenceParameterSet] = {}
        self._pictures: dict[int, PictureParameterSet] = {}
        for nal in (*configuration.sequence_sets, *configuration.picture_sets):
            self.learn(nal)

    def learn(self, nal: bytes) -> None:
        """Take a parameter set; other NAL units, and what cannot be read, change nothing."""
        kind = nal[0] & 0x1F if nal else 0
        try:
            if kind == SPS_NAL_TYPE:
                sequence = parse_sequence_parameter_set(nal)
                self._sequences[sequence.slices.number] = sequence
            elif kind == PPS_NAL_TYPE:
                picture = parse_picture_parameter_set(nal)
                self._pictures[picture.number] = picture
        except MalformedConfiguration:
            return

    def size(self, nal: bytes) -> int:
        """Bytes of a slice's NAL unit up to the one in which its header ends, that one included.

        Args:
            nal: of type 1 or 5; its first `HEADER_BYTES_MAX` bytes are enough.

        Raises:
            MalformedConfiguration: it cannot be read, or its parameter sets are not known.
        """
        try:
            return self._size(nal[:_FIRST_LOOK_BYTES])
        except MalformedConfiguration:
            return self._size(nal[:HEADER_BYTES_MAX])

    def _size(self, nal: bytes) -> int:
        content = _unescaped(nal[1:])
        bits = BitReader(content)
        self._skip(bits, nal[0])
        return _escaped_size(nal, 1 + len(content) - bits.left // 8)

    def _skip(self, bits: BitReader, first_byte: int) -> None:
        bits.exp_golomb()  # first_mb_in_slice
        kind = bits.exp_golomb() % 5
        picture = self._pictures.get(bits.exp_golomb())
        sequence = None if picture is None else self._sequences.get(picture.sequence)
        if picture is None or sequence is None:
            raise MalformedConfiguration("the parameter sets of a slice are not known")
        is_idr = first_byte & 0x1F == IDR_NAL_TYPE
        _skip_place(bits, sequence, picture, is_idr=is_idr)
        if kind == _B:
            bits.flag()  # direct_spatial_mv_pred_flag
        references = _read_references(bits, picture, kind)
        for _ in references:
            _skip_order_of_references(bits)
        if (picture.weighted and kind in (_P, _SP)) or (picture.weighted_both and kind == _B):
            _skip_weights(bits, references, coloured=_is_coloured(sequence))
        if first_byte & 0x60:  # nal_ref_idc
            _skip_marking(bits, is_idr=is_idr)
        _skip_quantisation(bits, picture, kind)


def _skip_place(
    bits: BitReader, sequence: SequenceParameterSet, picture: PictureParameterSet, *, is_idr: bool
) -> None:
    """From `colour_plane_id` to `redundant_pic_cnt`: which picture the slice is of."""
    coding = sequence.slices
    if coding.separate_planes:
        bits.read(2)
    bits.read(coding.frame_number_bits)
    is_field = not sequence.progressive and bits.flag()
    if is_field:
        bits.flag()  # bottom_field_flag
    if is_idr:
        bits.exp_golomb()  # idr_pic_id
    has_second = picture.order_in_frame and not is_field
    if coding.order_type == 0:
        bits.read(coding.order_bits)
        if has_second:
            bits.signed_exp_golomb()
    elif coding.order_type == 1 and not coding.order_is_implied:
        bits.signed_exp_golomb()
        if has_second:
            bits.signed_exp_golomb()
    if picture.redundant:
        bits.exp_golomb()


def _read_references(bits: BitReader, picture: PictureParameterSet, kind: int) -> Sequence[int]:
    """How many pictures each of the slice's reference lists has."""
    if kind in _INTRA:
        return ()
    counts = picture.references[: 2 if kind == _B else 1]
    if bits.flag():  # num_ref_idx_active_override_flag
        counts = tuple(bits.exp_golomb() + 1 for _ in counts)
    if any(count > _REFERENCES_MAX for count in counts):
        raise MalformedConfiguration("a slice refers to more than 32 pictures")
    return counts


def _skip_order_of_references(bits: BitReader) -> None:
    """7.3.3.1, of one list."""
    if bits.flag():
        for _ in range(_COMMANDS_MAX):
            if bits.exp_golomb() == 3:
                return
            bits.exp_golomb()
        raise MalformedConfiguration("a list of references is reordered without end")


def _is_coloured(sequence: SequenceParameterSet) -> bool:
    return sequence.chroma_format != 0 and not sequence.slices.separate_planes


def _skip_weights(bits: BitReader, references: Sequence[int], *, coloured: bool) -> None:
    """7.3.3.2."""
    bits.exp_golomb()
    if coloured:
        bits.exp_golomb()
    for _ in range(sum(references)):
        # A weight and an offset of luma, then of both chromas.
        for values in (2, 4) if coloured else (2,):
            if bits.flag():
                for _ in range(values):
                    bits.signed_exp_golomb()


def _skip_marking(bits: BitReader, *, is_idr: bool) -> None:
    """7.3.3.3."""
    if is_idr:
        bits.read(2)
    elif bits.flag():
        for _ in range(_COMMANDS_MAX):
            command = bits.exp_golomb()
            if command == 0:
                return
            for _ in range({3: 2, 5: 0}.get(command, 1)):
                bits.exp_golomb()
        raise MalformedConfiguration("references are marked without end")


def _skip_quantisation(bits: BitReader, picture: PictureParameterSet, kind: int) -> None:
    if picture.arithmetic and kind not in _INTRA:
        bits.exp_golomb()  # cabac_init_idc
    bits.signed_exp_golomb()  # slice_qp_delta
    if kind == _SP:
        bits.flag()
    if kind in (_SP, _SI):
        bits.signed_exp_golomb()
    if picture.deblocking and bits.exp_golomb() != 1:
        bits.signed_exp_golomb()
        bits.signed_exp_golomb()


def _unescaped(content: bytes) -> bytes:
    """Without emulation prevention (7.3.1)."""
    return content.replace(b"\0\0\3", b"\0\0")


def _escaped_size(nal: bytes, size: int) -> int:
    """How many bytes of a NAL unit say what `size` of them say without emulation prevention."""
    escaped = size
    while (missing := size - len(_unescaped(nal[:escaped]))) > 0:
        escaped += missing
    return escaped
