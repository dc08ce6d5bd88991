package call

import "fmt"

// check holds one action against what is allowed now.
func (w *world) check(a Action) error {
	if w.finishes > 0 {
		switch a.(type) {
		case Ack, Drop, AckReinvite:
		default:
			return fmt.Errorf("%T after Finish", a)
		}
	}
	switch a := a.(type) {
	case Progress:
		if w.reliable && a.SDP.From != Nobody {
			w.prackOwed++
		}
		if w.aFinals > 0 {
			return fmt.Errorf("provisional after the final response")
		}
		if w.hears[A] {
			return fmt.Errorf("progress into the notice")
		}
	case Refuse:
		w.aFinals++
		w.aGone = true
	case Answer:
		w.aFinals++
		w.aAnswered = true
		if w.aWantedToLeave {
			return fmt.Errorf("answered a caller that had gone")
		}
		if w.hears[A] {
			return fmt.Errorf("answered into the notice")
		}
		if w.prackOwed > 0 {
			return fmt.Errorf("answered before the PRACK")
		}
	case Dial:
		w.bDialled++
		w.bOpen, w.bProvisional, w.bCancels = true, false, 0
		w.bForks = [2]fork{}
		if w.aGone || w.aWantedToLeave {
			return fmt.Errorf("dialled for a caller that had gone")
		}
		if w.call.plan.Notices.BeforeCaller != "" && !w.whole[A] && w.call.plan.OnFailure == Release && !w.call.plan.Notices.Overlap {
			return fmt.Errorf("dialled before the notice was whole")
		}
		if w.hears[A] && !w.call.plan.Notices.Overlap {
			return fmt.Errorf("dialled while the notice plays")
		}
	case Cancel:
		w.bCancels++
		if !w.bOpen || !w.bProvisional || w.bCancels > 1 {
			return fmt.Errorf("CANCEL not allowed")
		}
	case Ack:
		f := w.fork(a.Fork)
		if !f.answered || f.acked {
			return fmt.Errorf("ACK not owed to fork %q", a.Fork)
		}
		f.acked = true
	case Drop:
		f := w.fork(a.Fork)
		if !f.acked || f.ended {
			return fmt.Errorf("fork %q cannot be dropped", a.Fork)
		}
		f.ended = true
	case Bye:
		if a.Side == Parked {
			if !w.there {
				return fmt.Errorf("BYE to nobody")
			}
			w.left()
			break
		}
		if a.Side == A {
			w.aByes++
			if !w.aAcked || w.aGone {
				return fmt.Errorf("BYE to A not allowed")
			}
			w.aGone = true
			break
		}
		f := w.fork(w.call.fork)
		if !f.acked || f.ended || w.bGone {
			return fmt.Errorf("BYE to B not allowed")
		}
		f.ended = true
		w.bGone = true
	case Play:
		if w.prackOwed > 0 && a.Phase == Before && a.Side == A {
			return fmt.Errorf("the notice begins before the PRACK")
		}
		if w.hears[a.Side] || w.bridged {
			return fmt.Errorf("two sounds on leg %s", a.Side)
		}
		if a.Phase == AtAnswer && (!w.aAcked || w.bGone || w.aGone) {
			return fmt.Errorf("notice at answer before both legs are up")
		}
		w.hears[a.Side], w.stopped[a.Side] = true, false
	case Stop:
		w.stopped[a.Side] = true
		if !w.hears[a.Side] {
			return fmt.Errorf("nothing to stop on leg %s", a.Side)
		}
	case Bridge:
		if w.hears[A] || w.hears[B] {
			return fmt.Errorf("bridged into a notice")
		}
		w.bridged = true
	case AcceptReferral:
		w.referrals++
		w.told = false
	case RefuseReferral:
	case Report:
		if w.told || a.Side == Parked && !w.there {
			return fmt.Errorf("a report to nobody")
		}
		w.told = a.Status >= 200
	case Write:
		w.writes++
		if a.Record.Result == "" || a.Record.Reason == "" || a.Record.Ended.IsZero() || a.Plan == nil {
			return fmt.Errorf("a record without result or reason: %+v", a.Record)
		}
	case Park:
		return w.park(a.Side)
	case Unpark:
		return w.unpark(a.Side)
	case Silence:
		w.bridged = false
	case Reinvite:
		if w.openTo[a.Side] || w.openFrom[a.Side] {
			return fmt.Errorf("re-INVITE into glare on leg %s", a.Side)
		}
		w.openTo[a.Side] = true
	case Refresh:
		if err := w.mayRefresh(a.Side); err != nil {
			return err
		}
		w.openTo[a.Side] = true
	case AckReinvite:
		if !w.ackOwedTo[a.Side] {
			return fmt.Errorf("ACK of a re-INVITE not owed to leg %s", a.Side)
		}
		w.ackOwedTo[a.Side] = false
	case AcceptReinvite:
		if !w.openFrom[a.Side] {
			return fmt.Errorf("no re-INVITE to accept on leg %s", a.Side)
		}
		w.openFrom[a.Side], w.ackOwedBy[a.Side] = false, !w.update[a.Side]
	case RefuseReinvite:
		if a.Side == Parked {
			break
		}
		if !w.openFrom[a.Side] {
			return fmt.Errorf("no re-INVITE to refuse on leg %s", a.Side)
		}
		w.openFrom[a.Side] = false
	case Finish:
		w.finishes++
		if a.Record.Result == "" || a.Record.Reason == "" {
			return fmt.Errorf("a record without result or reason: %+v", a.Record)
		}
		if w.bOpen || w.hears[A] || w.hears[B] || !w.aGone || w.there {
			return fmt.Errorf("finished too early")
		}
		if w.writes != w.referrals {
			return fmt.Errorf("%d records of %d transfers", w.writes, w.referrals)
		}
	}
	if w.aFinals > 1 || w.aByes > 1 || w.finishes > 1 {
		return fmt.Errorf("%T sent twice", a)
	}
	return nil
}

// mayRefresh holds a refresh against what else is under way. Who is up may be
// refreshed while B rings, but nobody while a notice plays.
func (w *world) mayRefresh(side Side) error {
	up := w.bridged
	switch side {
	case A:
		up = up || w.aAcked && !w.aGone && w.bOpen
	case Parked:
		up = w.there
	}
	if w.openTo != [3]bool{} || side != Parked && (w.openFrom[side] || w.hears[side]) {
		return fmt.Errorf("refresh into glare on leg %s", side)
	}
	if !up {
		return fmt.Errorf("refresh of leg %s, which is not up", side)
	}
	return nil
}

// left forgets the transferor: what it answers is no business of the call's.
func (w *world) left() { w.there, w.openTo[Parked], w.ackOwedTo[Parked] = false, false, false }

// park moves the accounts: the one who stays is A, and nobody is B.
func (w *world) park(side Side) error {
	if w.there || w.bridged || w.aGone || w.bGone || w.openFrom != [2]bool{} || w.openTo != [3]bool{} {
		return fmt.Errorf("parked %s from a call that is not settled", side)
	}
	w.there, w.parkedSide = true, side
	w.before = ended{forks: w.bForks, dialled: w.bDialled}
	w.bForks, w.bDialled, w.aByes = [2]fork{}, 0, 0
	w.whole = [2]bool{}
	return nil
}

// unpark moves them back.
func (w *world) unpark(side Side) error {
	if !w.there || w.parkedSide != side || w.bOpen || w.openTo[B] || w.hears != [2]bool{} || w.aGone {
		return fmt.Errorf("unparked %s into a call that is not settled", side)
	}
	for i, f := range w.bForks {
		if f.answered && (!f.acked || !f.ended) {
			return fmt.Errorf("unparked while fork %d is up", i)
		}
	}
	for _, account := range []*[3]bool{&w.openTo, &w.ackOwedTo} {
		now := *account
		account[Parked], account[side], account[side.Other()] = false, now[Parked], now[A]
	}
	w.there = false
	w.bForks, w.bDialled, w.bGone = w.before.forks, w.before.dialled, false
	return nil
}
