from .accounts.accounts import Account as Account, Accounts as Accounts
from .answers import Given as Given, latest_reviews as latest_reviews
from .audit import Audit as Audit, Tampering as Tampering
from .backup import Restored as Restored, back_up as back_up, bring_back as bring_back
from .beside.every_row import READING_COLUMNS as READING_COLUMNS, reading_files as reading_files
from .beside.flags import Flag as Flag
from .beside.same_patient import OfPatient as OfPatient, OtherImage as OtherImage
from .labelling.drafting import Draft as Draft, Said as Said, draft as draft
from .labelling.versions import (
    Labels as Labels,
    fingerprint as fingerprint,
    lineage as lineage,
)
from .ledger.anchors import Anchor as Anchor, read_anchors as read_anchors, write_anchor as write_anchor
from .people import Reader as Reader, experience as experience
from .queues.catalogue import QUEUES as QUEUES, SEARCH as SEARCH, Queue as Queue, search as search
from .row_mapping import (
    RunSummary as RunSummary,
    random_place as random_place,
)
from .sittings import Shown as Shown, Sitting as Sitting
from .store import (
    Store as Store,
    open_store as open_store,
)
from .studies.consensus import consensus_by_case as consensus_by_case
from .studies.planning.clock import SetBack as SetBack
from .studies.planning.complaints import complaints as complaints
from .studies.planning.designs import (
    DESIGNS as DESIGNS,
    Arm as Arm,
    Design as Design,
)
from .studies.planning.protocol import (
    CERTAINTY as CERTAINTY,
    Drawn as Drawn,
    Endpoint as Endpoint,
    Protocol as Protocol,
    as_stored as as_stored,
    protocol_from as protocol_from,
)
from .studies.planning.records import (
    Advice as Advice,
    Certificate as Certificate,
    Deviation as Deviation,
    Disagreement as Disagreement,
    Progress as Progress,
    Study as Study,
    StudyAnswer as StudyAnswer,
    Task as Task,
    WrongAdvice as WrongAdvice,
)
from .studies.studies import Studies as Studies
