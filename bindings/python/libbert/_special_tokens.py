# SPDX-License-Identifier: MIT
"""The special tokens of a tokenizer by their roles: cls_token, cls_token_id and so on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from ._tokenizer_files import ATTRIBUTES
from .errors import UnsupportedError

if TYPE_CHECKING:
    from ._tokenizer import RawTokenizer


class TokenOf:
    """The token of a role; None if there is none."""

    def __init__(self, role: str) -> None:
        self.role = role

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        return owner._tokens.get(self.role)

    def __set__(self, owner: Any, value: Any) -> None:
        tokens = {**owner._tokens, self.role: None if value is None else str(value)}
        owner._tokens = {role: token for role, token in tokens.items() if token is not None}


class IdOf:
    """The id of the token of a role; None if there is none."""

    def __init__(self, role: str) -> None:
        self.role = role

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        token = owner._tokens.get(self.role)
        return None if token is None else owner.convert_tokens_to_ids(token)

    def __set__(self, owner: Any, value: Any) -> None:
        token = None if value is None else owner.raw.token(value)
        if value is not None and token is None:
            raise ValueError(f"{self.role}_id is {value}, which is no id of the vocabulary")
        setattr(owner, self.role, token)


class SpecialTokens:
    """Special tokens, to be read and set."""

    SPECIAL_TOKENS_ATTRIBUTES: ClassVar[list[str]] = list(ATTRIBUTES)

    raw: RawTokenizer
    _tokens: dict[str, str]
    _extra: list[str]

    bos_token, bos_token_id = TokenOf("bos_token"), IdOf("bos_token")
    eos_token, eos_token_id = TokenOf("eos_token"), IdOf("eos_token")
    unk_token, unk_token_id = TokenOf("unk_token"), IdOf("unk_token")
    sep_token, sep_token_id = TokenOf("sep_token"), IdOf("sep_token")
    pad_token, pad_token_id = TokenOf("pad_token"), IdOf("pad_token")
    cls_token, cls_token_id = TokenOf("cls_token"), IdOf("cls_token")
    mask_token, mask_token_id = TokenOf("mask_token"), IdOf("mask_token")

    def convert_tokens_to_ids(self, tokens: str | Iterable[str]) -> Any:
        raise NotImplementedError

    def _unknown(self) -> int | None:
        token = self._tokens.get("unk_token")
        return None if token is None else self.raw.id(token)

    @property
    def pad_token_type_id(self) -> int:
        """Type id of padding."""
        return 0

    @property
    def special_tokens_map(self) -> dict[str, str]:
        """The special tokens by their roles."""
        return {role: self._tokens[role] for role in ATTRIBUTES if role in self._tokens}

    @property
    def extra_special_tokens(self) -> list[str]:
        """Special tokens without a role."""
        return list(self._extra)

    @property
    def all_special_tokens(self) -> list[str]:
        """All special tokens, each once."""
        return list(dict.fromkeys([*self.special_tokens_map.values(), *self._extra]))

    @property
    def all_special_ids(self) -> list[int]:
        """Their ids."""
        return [self.convert_tokens_to_ids(token) for token in self.all_special_tokens]

    def get_special_tokens_mask(
        self,
        token_ids_0: Iterable[int],
        token_ids_1: Iterable[int] | None = None,
        already_has_special_tokens: bool = False,
    ) -> list[int]:
        """1 for each id that is a special token's."""
        if not already_has_special_tokens or token_ids_1 is not None:
            raise UnsupportedError(
                "get_special_tokens_mask() takes one list of ids with "
                "already_has_special_tokens=True; return_special_tokens_mask=True of a call gives "
                "the mask of a text"
            )
        special = set(self.all_special_ids)
        return [int(int(id) in special) for id in token_ids_0]

    # ---- Not there -------------------------------------------------------------------------

    def add_tokens(self, new_tokens: Any, special_tokens: bool = False) -> NoReturn:
        """Refused: tokenizers are immutable here."""
        raise UnsupportedError(
            "libbert.AutoTokenizer can't be changed: add tokens with transformers, save, load again"
        )

    def add_special_tokens(self, special_tokens_dict: Any, **_: Any) -> NoReturn:
        """Refused, as add_tokens(); a role can be given by tokenizer.pad_token = "..."."""
        self.add_tokens(special_tokens_dict)

    def save_pretrained(self, save_directory: Any, **_: Any) -> NoReturn:
        """Refused: nothing can have changed."""
        raise UnsupportedError(
            "libbert.AutoTokenizer doesn't write files: copy those that it was loaded from"
        )

    def apply_chat_template(self, *_: Any, **__: Any) -> NoReturn:
        """Refused."""
        raise UnsupportedError("chat templates are for generating models, which libbert has not")
