//! Makes pcap and pcapng files, byte by byte.

/// A number in the byte order of a file.
pub(super) fn u16(big: bool, n: u16) -> [u8; 2] {
    if big {
        n.to_be_bytes()
    } else {
        n.to_le_bytes()
    }
}

/// A number in the byte order of a file.
pub(super) fn u32(big: bool, n: u32) -> [u8; 4] {
    if big {
        n.to_be_bytes()
    } else {
        n.to_le_bytes()
    }
}

/// A pcap in the making.
pub(super) struct Pcap {
    pub(super) big: bool,
    pub(super) magic: u32,
    pub(super) version: (u16, u16),
    pub(super) zone: u32,
    pub(super) snap: u32,
    pub(super) network: u32,
    pub(super) packets: Vec<u8>,
}

impl Pcap {
    pub(super) fn new(big: bool, magic: u32) -> Self {
        let (snap, network, packets) = (65_535, 1, Vec::new());
        Self {
            big,
            magic,
            version: (2, 4),
            zone: 0,
            snap,
            network,
            packets,
        }
    }

    /// A packet whose header says `lengths` in the order of the file.
    pub(super) fn raw(mut self, ts: (u32, u32), lengths: (u32, u32), data: &[u8]) -> Self {
        for n in [ts.0, ts.1, lengths.0, lengths.1] {
            self.packets.extend(u32(self.big, n));
        }
        if self.magic == 0xa1b2_cd34 {
            self.packets.extend([0xee; 8]);
        }
        self.packets.extend(data);
        self
    }

    /// A whole packet.
    pub(super) fn packet(self, ts: (u32, u32), data: &[u8]) -> Self {
        let length = u32::try_from(data.len()).unwrap();
        self.raw(ts, (length, length), data)
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = u32(self.big, self.magic).to_vec();
        bytes.extend(u16(self.big, self.version.0));
        bytes.extend(u16(self.big, self.version.1));
        for n in [self.zone, 0, self.snap, self.network] {
            bytes.extend(u32(self.big, n));
        }
        bytes.extend(&self.packets);
        bytes
    }
}

/// Two small packets and a larger one, one second apart.
pub(super) fn small_pcap() -> Vec<u8> {
    Pcap::new(false, 0xa1b2_c3d4)
        .packet((1, 1), b"first")
        .packet((2, 2), b"second one")
        .packet((3, 3), &[7; 100])
        .bytes()
}

/// A pcapng in the making; `big` may change with each section.
#[derive(Default)]
pub(super) struct Ng {
    pub(super) big: bool,
    pub(super) bytes: Vec<u8>,
}

impl Ng {
    /// Begins with a section.
    pub(super) fn new(big: bool) -> Self {
        Self::default().section(big, &[])
    }

    pub(super) fn section(mut self, big: bool, options: &[u8]) -> Self {
        self.big = big;
        let mut body = u32(big, 0x1a2b_3c4d).to_vec();
        body.extend(u16(big, 1));
        body.extend(u16(big, 0));
        body.extend([0xff; 8]);
        body.extend(options);
        self.block(0x0a0d_0d0a, &body)
    }

    pub(super) fn block(mut self, kind: u32, body: &[u8]) -> Self {
        let padded = body.len().next_multiple_of(4);
        let length = u32(self.big, u32::try_from(padded + 12).unwrap());
        self.bytes.extend(u32(self.big, kind));
        self.bytes.extend(length);
        self.bytes.extend(body);
        self.bytes.resize(self.bytes.len() + padded - body.len(), 0);
        self.bytes.extend(length);
        self
    }

    pub(super) fn interface(self, link_type: u16, snap: u32, options: &[u8]) -> Self {
        let mut body = u16(self.big, link_type).to_vec();
        body.extend([0, 0]);
        body.extend(u32(self.big, snap));
        body.extend(options);
        self.block(1, &body)
    }

    /// An enhanced packet block.
    pub(super) fn packet(self, interface: u32, ticks: u64, data: &[u8], options: &[u8]) -> Self {
        let body = self.packet_body(&u32(self.big, interface), ticks, data, options);
        self.block(6, &body)
    }

    /// What an enhanced packet block and the obsolete one have, behind their first four bytes.
    pub(super) fn packet_body(
        &self,
        first: &[u8; 4],
        ticks: u64,
        data: &[u8],
        options: &[u8],
    ) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap();
        let mut body = first.to_vec();
        for n in [(ticks >> 32) as u32, ticks as u32, length, length] {
            body.extend(u32(self.big, n));
        }
        body.extend(data);
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(options);
        body
    }
}

/// One option, padded.
pub(super) fn option(big: bool, code: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = u16(big, code).to_vec();
    bytes.extend(u16(big, u16::try_from(value.len()).unwrap()));
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// Numbers without a pattern, the same in each run (xorshift).
pub(super) struct Noise(pub(super) u64);

impl Noise {
    pub(super) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % n
    }
}
