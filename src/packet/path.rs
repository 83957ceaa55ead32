//! Layer paths such as `ethernet:ipv4:tcp`, each formatted once a batch.

use netcap_proto::{Symbol, Symbols};

/// A tree of the paths seen. A packet walks down from the root; most find every step there.
#[derive(Debug)]
pub(super) struct Paths {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    parent: usize,
    name: &'static str,
    /// Protocol and node of each path that is one layer longer.
    children: Vec<(u8, usize)>,
    symbol: Option<Symbol>,
}

impl Paths {
    pub(super) const ROOT: usize = 0;

    pub(super) fn new() -> Self {
        Self {
            nodes: vec![Node::default()],
        }
    }

    /// The path that is one layer longer.
    #[inline]
    pub(super) fn step(&mut self, from: usize, protocol: u8, name: &'static str) -> usize {
        let known = self.nodes.get(from).and_then(|node| {
            node.children
                .iter()
                .find(|(p, _)| *p == protocol)
                .map(|(_, child)| *child)
        });
        known.unwrap_or_else(|| {
            let child = self.nodes.len();
            self.nodes.push(Node {
                parent: from,
                name,
                ..Node::default()
            });
            if let Some(node) = self.nodes.get_mut(from) {
                node.children.push((protocol, child));
            }
            child
        })
    }

    /// The path as a text of the batch.
    #[inline]
    pub(super) fn symbol(&mut self, path: usize, symbols: &mut Symbols) -> Symbol {
        if let Some(symbol) = self.nodes.get(path).and_then(|n| n.symbol) {
            return symbol;
        }
        let mut names = Vec::new();
        let mut at = path;
        while at != Self::ROOT {
            let Some(node) = self.nodes.get(at) else {
                break;
            };
            names.push(node.name);
            at = node.parent;
        }
        names.reverse();
        let symbol = symbols.text(&names.join(":"));
        if let Some(node) = self.nodes.get_mut(path) {
            node.symbol = Some(symbol);
        }
        symbol
    }

    /// Forgets the texts (they belong to a batch) and, if hostile input grew it beyond reason,
    /// the tree.
    pub(super) fn end_batch(&mut self) {
        if self.nodes.len() > 4096 {
            *self = Self::new();
        }
        for node in &mut self.nodes {
            node.symbol = None;
        }
    }
}
