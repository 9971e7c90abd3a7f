"""Who agrees, where a rule asks for it, has just proved who they are: in this session, as themselves."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from approvals import actions
from approvals.models import ApprovalRequest, Decision, Proof
from approvals.requests.policy import StageSpec
from approvals.requests.proofs import NotProved, ProofMissing, digest_of
from audit.context import Door
from audit.models import Event

PASSWORD = "a-password-of-bobs-own"
SESSION = "bobs-session"


@pytest.fixture
def bob(bob):
    bob.set_password(PASSWORD)
    bob.save()
    return bob


@pytest.fixture
def careful(ask, approvers):
    """A request whose only stage asks for fresh proof."""
    return ask(stages=[StageSpec("Large", 1, [approvers], fresh_proof=True)])


def prove(who, password=PASSWORD, session=SESSION):
    return actions.prove_by_password(who, password, session=session, door=Door.ADMIN)


def answer(request, who, verdict="approve", *, session=SESSION, reason=""):
    return actions.decide(
        request.pk,
        decided_by=who,
        verdict=verdict,
        seal=request.seal,
        door=Door.ADMIN,
        reason=reason,
        session=session,
    )


def made_old(proof, age):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE approvals_proof DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE approvals_proof SET recorded_at = now() - %s::interval WHERE id = %s",
            [age, proof.pk],
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE approvals_proof ENABLE ALWAYS TRIGGER audit_refuse_change")
        cursor.execute("ALTER TABLE approvals_proof ENABLE ALWAYS TRIGGER audit_stamp")


def test_an_open_session_is_not_enough(careful, bob):
    with pytest.raises(ProofMissing, match="Confirm your password"):
        answer(careful, bob)
    assert not Decision.objects.exists()


def test_with_fresh_proof_it_counts_and_keeps_the_proof(careful, bob):
    proof = prove(bob)
    assert answer(careful, bob).status == ApprovalRequest.Status.APPROVED
    assert Decision.objects.get().proof == proof


def test_saying_no_needs_no_proof(careful, bob):
    answer(careful, bob, "reject", reason="No")
    assert Decision.objects.get().proof is None


def test_where_no_rule_asks_for_it_none_is_needed(ask, bob):
    assert answer(ask(), bob).status == ApprovalRequest.Status.APPROVED


def test_the_proof_of_somebody_else_does_not_count(careful, bob, carol):
    prove(bob)
    with pytest.raises(ProofMissing):
        answer(careful, carol)


@pytest.mark.parametrize("session", ["another-session", ""])
def test_proof_given_in_another_session_does_not_count(careful, bob, session):
    prove(bob)
    with pytest.raises(ProofMissing):
        answer(careful, bob, session=session)


def test_proof_for_no_session_counts_nowhere(careful, bob):
    prove(bob, session="")
    with pytest.raises(ProofMissing):
        answer(careful, bob, session="")


def test_proof_grows_old(careful, bob, settings):
    made_old(prove(bob), "250 seconds")
    settings.FRESH_PROOF_SECONDS = 200
    with pytest.raises(ProofMissing):
        answer(careful, bob)
    settings.FRESH_PROOF_SECONDS = 300
    assert answer(careful, bob)


def test_a_wrong_password_proves_nothing_and_is_on_record(bob):
    with pytest.raises(NotProved, match="Incorrect password"):
        prove(bob, "guessed")
    assert not Proof.objects.exists()
    event = Event.objects.get(actor=bob, verb=Event.Verb.SIGN_IN_REFUSED)
    assert event.data == {"proof": "password"}


def test_the_password_of_somebody_else_is_wrong(bob, carol):
    with pytest.raises(NotProved):
        prove(carol, PASSWORD)


def test_after_five_wrong_ones_the_right_one_is_refused_too(bob, carol):
    for _ in range(5):
        with pytest.raises(NotProved):
            prove(bob, "guessed")
    with pytest.raises(NotProved, match="Too many wrong passwords"):
        prove(bob)
    carol.set_password(PASSWORD)
    carol.save()
    assert prove(carol)


def test_the_session_itself_is_not_kept(bob):
    assert SESSION not in prove(bob).session
    assert prove(bob).session == digest_of(SESSION)


# --- The database -----------------------------------------------------------------------------------


def voted(request, who, proof):
    stage = request.stages.get()
    with transaction.atomic():
        return Decision.objects.create(
            request=request,
            stage=stage,
            requested_by=request.requested_by,
            decided_by=who,
            verdict="approve",
            seal=request.seal,
            door="admin",
            proof=proof,
        )


def test_the_database_wants_a_proof(careful, bob):
    with pytest.raises(DatabaseError, match="proves first who they are"):
        voted(careful, bob, None)
    assert voted(careful, bob, prove(bob))


def test_the_database_wants_the_proof_of_that_very_person(careful, bob, carol):
    with pytest.raises(DatabaseError, match="proves first"):
        voted(careful, carol, prove(bob))


def test_the_database_wants_it_fresh(careful, bob):
    proof = prove(bob)
    made_old(proof, "16 minutes")
    with pytest.raises(DatabaseError, match="proves first"):
        voted(careful, bob, proof)


def test_a_proof_cannot_be_dated_or_changed(bob):
    proof = prove(bob)
    with pytest.raises(DatabaseError), transaction.atomic():
        Proof.objects.filter(pk=proof.pk).update(session="x")


# --- The page ---------------------------------------------------------------------------------------


@pytest.fixture
def client(bob):
    client = Client()
    client.force_login(bob, backend="backoffice.sign_in.NameOrEmailBackend")
    return client


def sent(client, request, **values):
    return client.post(
        reverse("admin:approvals_approvalrequest_decide", args=[request.pk]),
        {"verdict": "approve", "seal": request.seal, "reason": "Looked at it"} | values,
    )


def page_of(request):
    return reverse("admin:approvals_approvalrequest_change", args=[request.pk])


def test_the_page_asks_for_the_password_only_where_it_is_needed(client, careful, ask):
    assert "Your password" in client.get(page_of(careful)).content.decode()
    assert "Your password" not in client.get(page_of(ask())).content.decode()


def test_with_the_password_it_is_approved_in_one_step(client, careful):
    assert sent(client, careful, password=PASSWORD).status_code == 302
    careful.refresh_from_db()
    assert careful.status == ApprovalRequest.Status.APPROVED


@pytest.mark.parametrize(
    ("password", "words"), [("guessed", "Incorrect password"), ("", "Confirm your password")]
)
def test_otherwise_the_message_stands_beside_the_field_and_nothing_is_lost(
    client, careful, password, words
):
    answer = sent(client, careful, password=password)
    text = answer.content.decode()
    assert answer.status_code == 403
    assert words in text
    assert "Looked at it" in text
    assert "guessed" not in text
    careful.refresh_from_db()
    assert careful.status == ApprovalRequest.Status.PENDING


def test_a_moment_later_the_page_does_not_ask_again(client, careful, ask, approvers):
    sent(client, careful, password=PASSWORD)
    another = ask(stages=[StageSpec("Large", 1, [approvers], fresh_proof=True)])
    assert "Your password" not in client.get(page_of(another)).content.decode()
    assert sent(client, another).status_code == 302
