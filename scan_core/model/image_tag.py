"""Images named by build tags: an encoding without the characters that a build tag may not hold. Pure.

A step that pushed an image tells Scangate by one tag on its build. In Bash, with the reference in ``$IMAGE``:

    echo "##vso[build.addbuildtag]scangate-image.$(tr '/:' '~=' <<< "$IMAGE")"

and in PowerShell:

    Write-Host "##vso[build.addbuildtag]scangate-image.$($env:IMAGE.Replace('/', '~').Replace(':', '='))"

So ``contoso.azurecr.io/team/app:1.4`` becomes ``scangate-image.contoso.azurecr.io~team~app=1.4``. Neither ``~`` nor
``=`` can stand in a reference, so nothing is lost, and both can stand in the path by which an agent adds the tag.
"""

import re
from typing import Final

from scan_core.model.image import ImageReference, image_reference

PREFIX: Final = "scangate-image."
TAG_LIMIT: Final = 256
"""Characters of a build tag that Azure DevOps takes."""

_ENCODED: Final = str.maketrans({"/": "~", ":": "="})
_DECODED: Final = str.maketrans({"~": "/", "=": ":"})
_NEVER_WRITTEN: Final = re.compile("[/:]")


def encode_tag(reference: ImageReference) -> str:
    r"""Write the build tag that names an image.

    Azure DevOps refuses ``<>%&\?/`` and control characters in a build tag, tags of more than 256 characters, and in
    the command ``build.addbuildtag`` a colon (Microsoft, "Logging commands").

    Args:
        reference: The image.

    Returns:
        The tag.

    Raises:
        ValueError: The tag would be too long.
    """
    tag = PREFIX + reference.text.translate(_ENCODED)
    if len(tag) > TAG_LIMIT:
        raise ValueError(
            f"the build tag for the image has {len(tag)} characters and a build tag at most {TAG_LIMIT}: name the "
            "image by its tag or by its digest alone, or by an `image` entry of the rules"
        )
    return tag


def decode_tag(text: str) -> ImageReference | None:
    """Read a build tag.

    Args:
        text: Any tag of a build. Untrusted.

    Returns:
        The image that it names; None where the tag is about something else.

    Raises:
        ValueError: The tag begins as ours and names no image; the sentence says what is wrong. It is not passed over,
            since an image that somebody meant to have judged would go unseen.
    """
    if not text.startswith(PREFIX):
        return None
    if _NEVER_WRITTEN.search(text):
        raise ValueError("a build tag that names an image has '~' for each slash and '=' for each colon")
    return image_reference(text.removeprefix(PREFIX).translate(_DECODED))
