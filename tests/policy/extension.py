"""An extension, as an entry point names it."""

from trustward.screening.functions import Function

FUNCTIONS = (
    Function(
        name="shout",
        arguments=(("text", "text"),),
        result="text",
        call=str.upper,
        cost=0.1,
        about="The text in capitals.",
        example='shout(event.text) == "HELP"',
    ),
)
NOT_A_FUNCTION = 5
