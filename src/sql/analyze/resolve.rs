//! Choosing among candidates (func_select_candidate): the rules that operators and functions share.

use super::{Analyzer, CastContext};
use crate::types::{Oid, oid};

/// Something with declared argument types.
pub(crate) trait Candidate: Copy {
    fn args(&self) -> &[Oid];
}

/// What resolution came to.
pub(crate) enum Choice<C> {
    None,
    One(C),
    Ambiguous,
}

impl Analyzer<'_> {
    /// func_match_argtypes, then func_select_candidate.
    pub(crate) fn choose<C: Candidate>(&self, inputs: &[Oid], candidates: &[C]) -> Choice<C> {
        let viable: Vec<C> = candidates
            .iter()
            .copied()
            .filter(|c| self.can_coerce_all(inputs, c.args(), CastContext::Implicit))
            .collect();
        match viable.as_slice() {
            [] => Choice::None,
            [one] => Choice::One(*one),
            _ => self.select_candidate(inputs, viable).map_or(Choice::Ambiguous, Choice::One),
        }
    }

    fn select_candidate<C: Candidate>(&self, inputs: &[Oid], mut candidates: Vec<C>) -> Option<C> {
        let base: Vec<Oid> =
            inputs.iter().map(|t| if *t == oid::UNKNOWN { oid::UNKNOWN } else { self.base_oid(*t) }).collect();
        let unknowns = base.iter().filter(|t| **t == oid::UNKNOWN).count();

        // The most exact matches on known types.
        keep_best(&mut candidates, |c| {
            base.iter().zip(c.args()).filter(|(b, a)| **b != oid::UNKNOWN && b == a).count()
        });
        if let [one] = candidates.as_slice() {
            return Some(*one);
        }
        // The most exact matches or preferred types where a cast is needed.
        let categories: Vec<u8> = base.iter().map(|t| self.type_facts(*t).category).collect();
        keep_best(&mut candidates, |c| {
            base.iter()
                .zip(c.args())
                .zip(&categories)
                .filter(|((b, a), category)| {
                    **b != oid::UNKNOWN
                        && (b == a || {
                            let facts = self.type_facts(**a);
                            facts.category == **category && facts.preferred
                        })
                })
                .count()
        });
        if let [one] = candidates.as_slice() {
            return Some(*one);
        }
        if unknowns == 0 {
            return None;
        }
        self.select_for_unknowns(&base, &mut candidates);
        if let [one] = candidates.as_slice() {
            return Some(*one);
        }
        // If all known arguments have one type, try it for the unknown ones too.
        if unknowns < base.len() {
            let mut known = base.iter().filter(|t| **t != oid::UNKNOWN);
            let first = *known.next()?;
            if known.all(|t| *t == first) {
                let assumed = vec![first; base.len()];
                let mut fitting =
                    candidates.iter().filter(|c| self.can_coerce_all(&assumed, c.args(), CastContext::Implicit));
                if let (Some(one), None) = (fitting.next(), fitting.next()) {
                    return Some(*one);
                }
            }
        }
        None
    }

    /// The type category of each unknown argument: string if any candidate takes that, else what all agree on; then the
    /// preferred type of that category.
    fn select_for_unknowns<C: Candidate>(&self, base: &[Oid], candidates: &mut Vec<C>) {
        let mut slots: Vec<Option<(u8, bool)>> = vec![None; base.len()];
        for (i, ty) in base.iter().enumerate() {
            if *ty != oid::UNKNOWN {
                continue;
            }
            let mut slot: Option<(u8, bool)> = None;
            let mut conflict = false;
            for c in candidates.iter() {
                let facts = self.type_facts(c.args()[i]);
                match &mut slot {
                    None => slot = Some((facts.category, facts.preferred)),
                    Some((category, preferred)) if *category == facts.category => *preferred |= facts.preferred,
                    Some(slot) if facts.category == b'S' => *slot = (b'S', facts.preferred),
                    Some(_) => conflict = true,
                }
            }
            if conflict && slot.is_none_or(|(category, _)| category != b'S') {
                return;
            }
            slots[i] = slot;
        }
        let fits = |c: &C| {
            slots.iter().zip(c.args()).all(|(slot, arg)| match slot {
                None => true,
                Some((category, preferred)) => {
                    let facts = self.type_facts(*arg);
                    facts.category == *category && (!preferred || facts.preferred)
                }
            })
        };
        if candidates.iter().any(fits) {
            candidates.retain(fits);
        }
    }
}

fn keep_best<C: Candidate>(candidates: &mut Vec<C>, score: impl Fn(&C) -> usize) {
    let best = candidates.iter().map(&score).max().unwrap_or(0);
    candidates.retain(|c| score(c) == best);
}
