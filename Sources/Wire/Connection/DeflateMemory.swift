import CZlib
import Glibc

/// Memory for zlib that goes back to the system the moment it is freed: a heap would keep what sleeping connections
/// have let go of.
enum DeflateMemory {
  /// Octets in front of each block, which hold its whole length.
  private static let header = 16

  /// Makes a stream use it.
  static func serve(_ stream: UnsafeMutablePointer<z_stream>) {
    stream.pointee.zalloc = { _, items, size in
      let (count, overflow) = Int(items).multipliedReportingOverflow(by: Int(size))
      guard !overflow, count <= 1 << 20 else { return nil }
      let whole = count + DeflateMemory.header
      let block = mmap(nil, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
      guard let block, block != MAP_FAILED else { return nil }
      block.storeBytes(of: whole, as: Int.self)
      return block + DeflateMemory.header
    }
    stream.pointee.zfree = { _, address in
      guard let address else { return }
      let block = address - DeflateMemory.header
      munmap(block, block.load(as: Int.self))
    }
  }
}
