// SPDX-License-Identifier: Apache-2.0

/// Spaces of 32-bit numbers cut into ranges, each with a value; made by `RangeTableMaker`.
///
/// To find a range, a node cuts what it covers into cells of equal size. A cell is a leaf, one line of the processor's cache: up to seven
/// places where a range begins, and the values around them. A cell in which more ranges begin is another node. The way to a value takes
/// no branch that depends on the number but that one, since what is looked up cannot be foreseen.
@safe final class RangeTable: Sendable {
    struct Node {
        /// Where the second range begins: what is below is in the first cell.
        let first: UInt32
        /// The size of a cell, as a power of two.
        let shift: UInt32
        /// The last cell, counted from the first.
        let last: UInt32
        let firstCell: UInt32
    }

    /// In a cell: another node. In a value, for `AddressIndex`: another space.
    static let marker: UInt32 = 1 << 31
    /// How many ranges may begin within a leaf.
    static let leafSize = 7
    /// 64 bytes.
    struct Leaf {
        /// For each range that begins in it the last number before, in order; the others are the last number of all.
        var bounds: SIMD8<UInt32>
        var values: SIMD8<UInt32>
    }

    // Never written again. Without bounds checks, for speed: whatever number is looked up, a node leads to one of its own cells, and a cell
    // to one of the nodes or leaves, as the maker put them there; and a space is a number that the maker gave or that stands in a leaf.
    private nonisolated(unsafe) let nodes: UnsafeMutableBufferPointer<Node>
    private nonisolated(unsafe) let cells: UnsafeMutableBufferPointer<UInt32>
    private nonisolated(unsafe) let leaves: UnsafeMutableBufferPointer<Leaf>

    init(nodes: [Node], cells: [UInt32], leaves: [Leaf]) {
        unsafe self.nodes = Self.copy(nodes)
        unsafe self.cells = Self.copy(cells)
        unsafe self.leaves = Self.copy(leaves)
    }

    deinit {
        unsafe nodes.deallocate()
        unsafe cells.deallocate()
        unsafe leaves.deallocate()
    }

    /// The value of a number in a space, with or without the marker.
    @inline(__always) func value(of number: UInt32, in space: UInt32) -> UInt32 {
        var cell = space
        repeat {
            let node = unsafe nodes.baseAddress.unsafelyUnwrapped[Int(cell & ~Self.marker)]
            let distance = (max(number, node.first) &- node.first) &>> node.shift
            cell = unsafe cells.baseAddress.unsafelyUnwrapped[Int(node.firstCell) &+ Int(min(distance, node.last))]
        } while cell & Self.marker != 0
        let leaf = unsafe leaves.baseAddress.unsafelyUnwrapped + Int(cell)
        // The highest bit of each is the borrow of bound - number. Comparisons of vectors would become a loop.
        let (bounds, sought) = unsafe (leaf.pointee.bounds, SIMD8(repeating: number))
        let borrows = (~bounds & sought) | (~(bounds ^ sought) & (bounds &- sought))
        let place = (borrows &>> SIMD8(repeating: 31)).wrappedSum()
        return unsafe UnsafeRawPointer(leaf).load(fromByteOffset: 32 &+ 4 &* Int(place), as: UInt32.self)
    }

    /// At the beginning of a cache line.
    private static func copy<Element>(_ elements: [Element]) -> UnsafeMutableBufferPointer<Element> {
        let bytes = UnsafeMutableRawPointer.allocate(
            byteCount: max(1, elements.count) * MemoryLayout<Element>.stride, alignment: 64)
        let start = unsafe bytes.bindMemory(to: Element.self, capacity: elements.count)
        let copy = unsafe UnsafeMutableBufferPointer(start: start, count: elements.count)
        _ = unsafe copy.initialize(from: elements)
        return unsafe copy
    }
}
