//! What makes a state an aggregate: it decides and it evolves.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use cqrs_es::Aggregate;
use cqrs_es::persist::EventUpcaster;

/// The root of one stream of events. `decide` and `evolve` are pure; `cqrs_es::Aggregate` is
/// implemented on top of them by [`aggregate!`](crate::aggregate).
pub trait Root: Aggregate<Services = ()> + Clone + 'static {
    /// The identifier, which is the stream's `aggregate_id` when printed.
    type Id: Clone + Debug + Display + FromStr + Eq + Ord + Send + Sync;

    /// The events that follow from a command, or the reason why not.
    fn decide(&self, command: Self::Command) -> Result<Vec<Self::Event>, Self::Error>;

    /// The state after an event. Total: what was recorded has happened.
    fn evolve(&mut self, event: Self::Event);

    /// Readers of older shapes of this stream's events, oldest first.
    fn upcasters() -> Vec<Box<dyn EventUpcaster>> {
        Vec::new()
    }
}

/// Makes a state the root of a stream: its name in the log, its id, and the framework's trait.
#[macro_export]
macro_rules! aggregate {
    ($state:ty, $type:literal, $id:ty, $command:ty, $event:ty, $refused:ty) => {
        impl cqrs_es::Aggregate for $state {
            const TYPE: &'static str = $type;
            type Command = $command;
            type Event = $event;
            type Error = $refused;
            type Services = ();

            async fn handle(
                &mut self,
                command: $command,
                _: &(),
                sink: &cqrs_es::event_sink::EventSink<Self>,
            ) -> Result<(), $refused> {
                for event in self.decide(command)? {
                    sink.write(event, self).await;
                }
                Ok(())
            }

            fn apply(&mut self, event: $event) {
                $crate::root::Root::evolve(self, event);
            }
        }

        impl $crate::root::Root for $state {
            type Id = $id;

            fn decide(&self, command: $command) -> Result<Vec<$event>, $refused> {
                <$state>::decide(self, command)
            }

            fn evolve(&mut self, event: $event) {
                <$state>::evolve(self, event)
            }
        }

        impl cqrs_es::DomainEvent for $event {
            fn event_type(&self) -> String {
                <&'static str>::from(self).to_owned()
            }

            fn event_version(&self) -> String {
                "1".to_owned()
            }
        }
    };
}
