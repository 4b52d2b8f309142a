from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.gateway_error_detail import GatewayErrorDetail


T = TypeVar("T", bound="GatewayError")


@_attrs_define
class GatewayError:
    """The platform refused the request or failed: its own envelope.

    Example:
        {'error': {'message': 'model name is required (request id: 20260313000000000000000000000000)', 'type':
            'comet_api_error', 'param': '', 'code': 'invalid_request'}}

    Attributes:
        error (GatewayErrorDetail): What went wrong. The request id, if any, is at the end of the message.
    """

    error: GatewayErrorDetail
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        error = self.error.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "error": error,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.gateway_error_detail import GatewayErrorDetail  # noqa: PLC0415

        d = dict(src_dict)
        error = GatewayErrorDetail.from_dict(d.pop("error"))

        gateway_error = cls(
            error=error,
        )

        gateway_error.additional_properties = d
        return gateway_error

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
