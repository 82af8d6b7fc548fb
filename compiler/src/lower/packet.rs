//! Packets for the runtime: through a perf buffer, since the kernel copies packets nowhere else.

use super::Lowerer;
use crate::ir::{Address, BinaryOp, Comparison, Helper, Instruction, MapData, MapId, MapKind, Value};
use lancet_manifest::Action;
use lancet_syntax::span::Span;

const SYMBOL: &str = "lancet_packets";
/// Bytes before the packet's: the record's action, the time and the packet's length.
const HEADER: u32 = 24;
/// The longest packet that the flags of bpf_skb_output can say (BPF_F_CTXLEN_MASK).
const LONGEST: i64 = 0xf_ffff;
const LENGTH_SHIFT: i64 = 32;
/// BPF_F_CURRENT_CPU.
const CURRENT_CPU: i64 = 0xffff_ffff;
/// What the kernel says of a length that it cannot take.
const TOO_LONG: i64 = -22;

impl Lowerer<'_> {
    /// Sends the first `length` bytes of a packet; the helper's result. A null pointer sends nothing.
    pub fn send_packet(&mut self, action: Action, packet: Value, length: Value, span: Span) -> Value {
        let most = self.constant(LONGEST);
        let fits = self.compare(Comparison::UnsignedLessEqual, length, most);
        let zero = self.constant(0);
        let is_there = self.compare(Comparison::NotEqual, packet, zero);
        let both = self.binary(BinaryOp::And, fits, is_there);
        let number = self.action(action);
        let map = self.packets();
        self.choose(
            both,
            |lowerer| {
                let header = Address::Slot(lowerer.slot(HEADER, 8, "packet"), 0);
                let number = lowerer.constant(i64::from(number));
                let now = lowerer.call(Helper::KTIME_GET_BOOT_NS, &[]);
                for (index, word) in [number, now, length].into_iter().enumerate() {
                    let to = lowerer.offset_address(header, 8 * index as u32);
                    lowerer.store8(to, word);
                }
                let (shift, here) = (lowerer.constant(LENGTH_SHIFT), lowerer.constant(CURRENT_CPU));
                let high = lowerer.binary(BinaryOp::ShiftLeft, length, shift);
                let flags = lowerer.binary(BinaryOp::Or, high, here);
                let map = lowerer.value(Instruction::MapReference(map));
                let (data, size) = (lowerer.address_of(header), lowerer.constant(i64::from(HEADER)));
                let result = lowerer.call(Helper::SKB_OUTPUT, &[packet, map, flags, data, size]);
                lowerer.helper_error(Helper::SKB_OUTPUT, result, span);
                result
            },
            |lowerer| lowerer.constant(TOO_LONG),
        )
    }

    fn packets(&mut self) -> MapId {
        if let Some(map) = self.packets {
            return map;
        }
        let data = MapData {
            symbol: SYMBOL.into(),
            kind: MapKind::PerfEventArray,
            key_size: 4,
            value_size: 4,
            max_entries: self.target.possible_cpus,
            flags: 0,
        };
        let map = self.module.maps.push(data);
        self.packets = Some(map);
        self.manifest.packets = Some(SYMBOL.into());
        map
    }
}
