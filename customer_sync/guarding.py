"""What other packages add, with its failures told as ours are."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from customer_sync.core.model import Record, Rejection
from customer_sync.core.values.transform_error import TransformError
from customer_sync.core.values.transforms import Context, Transform
from customer_sync.errors import CustomerSyncError, SourceError
from customer_sync.platforms.format import Decoded, Format, Sample, Understood, Wanted
from customer_sync.trouble import Code


def guarded_transform(transform: Transform) -> Transform:
    """Return *transform* so that its failure costs the field, and not the run."""

    def apply(value: object, argument: object, context: Context) -> object:
        try:
            return transform.apply(value, argument, context)
        except TransformError:
            raise
        except Exception as error:  # noqa: BLE001 # whatever a stranger's function may raise
            # It must not show the value that it was given.
            detail = f"could not be understood: {transform.name} failed ({type(error).__name__})"
            raise TransformError(detail) from None

    return replace(transform, apply=apply)


def guarded_format(form: Format) -> Format:
    """Return *form* so that its failure stops the reading with its name, and shows no record."""

    def recognise(sample: Sample) -> str:
        try:
            return form.recognise(sample)
        except Exception as error:  # noqa: BLE001 # whatever a stranger's function may raise
            raise _failed(form, type(error).__name__, sample.name) from None

    def understand(records: Iterable[Decoded], wanted: Wanted) -> Iterator[Understood]:
        try:
            for understood in form.understand(records, wanted):
                if not isinstance(understood, Record | Rejection):
                    raise TypeError  # noqa: TRY301 # told as any other failure of its
                yield understood
        except CustomerSyncError:
            # The file's, and not the format's.
            raise
        except Exception as error:  # noqa: BLE001 # whatever a stranger's function may raise
            raise _failed(form, type(error).__name__) from None

    return replace(form, recognise=recognise, understand=understand)


def _failed(form: Format, why: str, file: str = "") -> SourceError:
    where = f" with {file}" if file else ""
    return SourceError(
        f"The extension for {form.platform} failed{where}: {form.name} ({why}).",
        trouble=Code.EXTENSION,
        hint="Nothing was written. Tell whoever made that package, or uninstall it.",
    )
