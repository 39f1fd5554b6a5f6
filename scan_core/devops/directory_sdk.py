"""The SDK's clients for members, groups and rights, hardened like the others; only the command line needs them."""

# First of all: it makes the SDK's own import harmless.
from scan_core.devops.sdk import Hardened

# isort: split
from typing import Any

from azure.devops.v7_1.graph import GraphClient
from azure.devops.v7_1.identity import IdentityClient
from azure.devops.v7_1.member_entitlement_management import MemberEntitlementManagementClient

_PREVIEW = "7.1-preview.1"


class Graph(Hardened, GraphClient):  # type: ignore[misc]  # published without types
    """Groups and memberships."""

    def create_named_group(self, display_name: str, description: str) -> Any:  # noqa: ANN401 (SDK model)
        """Make a group of the organisation; the SDK's own method can name neither it nor what it is for.

        Args:
            display_name: Its name.
            description: What it is for.

        Returns:
            The SDK's GraphGroup.
        """
        response = self._send(
            http_method="POST",
            location_id="ebbe6af8-0b91-4c13-8cf1-777c14858188",
            version=_PREVIEW,
            content={"displayName": display_name, "description": description},
        )
        return self._deserialize("GraphGroup", response)


class Members(Hardened, MemberEntitlementManagementClient):  # type: ignore[misc]  # as above
    """Who is a member, with which licence. The SDK's own methods drop why something was not done."""

    def add_service_principal(self, content: dict[str, Any]) -> Any:  # noqa: ANN401 (parsed JSON)
        """Add a service principal.

        Args:
            content: A ServicePrincipalEntitlement.

        Returns:
            The answer, parsed.
        """
        response = self._send(
            http_method="POST",
            location_id="f03dbf50-80f8-41b7-8ca2-65b6a178caba",
            version=_PREVIEW,
            content=content,
        )
        return self._deserialize("object", response)

    def change_service_principal(self, member_id: str, document: list[dict[str, Any]]) -> Any:  # noqa: ANN401 (as above)
        """Change a service principal's licence.

        Args:
            member_id: Its id in the organisation.
            document: A JSON patch.

        Returns:
            The answer, parsed.
        """
        response = self._send(
            http_method="PATCH",
            location_id="1d491a66-190b-43ae-86b8-9c2688c55186",
            version=_PREVIEW,
            route_values={"servicePrincipalId": member_id},
            content=document,
            media_type="application/json-patch+json",
        )
        return self._deserialize("object", response)


class Identities(Hardened, IdentityClient):  # type: ignore[misc]  # as above
    """The descriptors that rights are kept under."""
