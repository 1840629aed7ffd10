//! Decisions on their way into the log: a stream decides by its own state, and what it decides is
//! written and becomes its state.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uitpas_domain::ids::{CommandId, CounterId, SubjectId};
use uitpas_domain::metadata::{Channel, Metadata, Role};
use uitpas_domain::root::Root;
use uitpas_store::Failed;
use uitpas_store::fill::Filling;
use uuid::Uuid;

/// Ids of commands are made in here.
const COMMANDS: Uuid = Uuid::from_u128(0x6d2f_0d8e_3a51_4c0b_9b8c_71c2_55fe_8a40);

/// A stream with its state.
pub struct Stream<A: Root> {
    pub id: A::Id,
    pub state: Arc<A>,
    sequence: u64,
}

impl<A: Root> Stream<A> {
    pub fn new(id: A::Id) -> Self {
        Self { id, state: Arc::default(), sequence: 0 }
    }
}

/// Who acts where.
#[derive(Clone)]
pub struct Hand {
    pub actor: SubjectId,
    pub role: Role,
    pub counter: Option<CounterId>,
    pub channel: Channel,
}

pub struct Pen {
    pub filling: Filling,
    seed: u64,
    commands: u64,
}

impl Pen {
    pub fn new(filling: Filling, seed: u64) -> Self {
        Self { filling, seed, commands: 0 }
    }

    /// What the stream decides, written; absent where it refuses.
    pub async fn act<A: Root>(
        &mut self,
        stream: &mut Stream<A>,
        command: A::Command,
        hand: &Hand,
        at: DateTime<Utc>,
    ) -> Result<Option<Vec<A::Event>>, Failed> {
        let Ok(events) = stream.state.decide(command) else { return Ok(None) };
        self.commands += 1;
        let name = format!("{} {}", self.seed, self.commands);
        let command_id = CommandId(Uuid::new_v5(&COMMANDS, name.as_bytes()));
        let Hand { actor, role, counter, channel } = hand.clone();
        let metadata =
            Metadata { actor, role, counter, channel, command_id, correlation_id: command_id };
        for event in &events {
            stream.sequence += 1;
            self.filling.event::<A>(&stream.id, stream.sequence, event, &metadata, at).await?;
            Arc::make_mut(&mut stream.state).evolve(event.clone());
        }
        Ok(Some(events))
    }

    /// The same, of what nothing stands in the way of.
    pub async fn must<A: Root>(
        &mut self,
        stream: &mut Stream<A>,
        command: A::Command,
        hand: &Hand,
        at: DateTime<Utc>,
    ) -> Result<Vec<A::Event>, Failed> {
        let done = self.act(stream, command, hand, at).await?;
        done.ok_or_else(|| Failed::new(format!("{} {} refused", A::TYPE, stream.id)))
    }
}
