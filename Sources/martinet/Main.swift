import NIOCore
import NIOPosix
import NIOSSL
import GRDB
import ArgumentParser
import Logging
import ServiceLifecycle
import Yams
@main struct M { static func main() { print("hi") } }
