// SPDX-License-Identifier: Apache-2.0

/// Decimal digits, written in pairs into memory that the caller knows to be enough.
enum DecimalDigits {
    @inline(always)
    static func count(_ value: UInt64) -> Int {
        if value < 10_000 { return value < 100 ? (value < 10 ? 1 : 2) : (value < 1000 ? 3 : 4) }
        var count = 5
        var bound: UInt64 = 100_000
        while value >= bound {
            count += 1
            if count == 20 { break }
            bound *= 10
        }
        return count
    }

    /// Writes the last `digits` digits of a number, with zeros in front.
    @inline(always)
    static func write(_ value: UInt64, digits: Int, to start: UnsafeMutablePointer<UInt8>) {
        var index = digits
        var rest = value
        while index > 1, rest > UInt64(UInt32.max) {
            index -= 2
            unsafe put(UInt32(truncatingIfNeeded: rest % 100), at: start + index)
            rest /= 100
        }
        // Most numbers are small, and division of 32 bits is cheaper.
        var small = UInt32(truncatingIfNeeded: rest)
        while index > 1 {
            index -= 2
            unsafe put(small % 100, at: start + index)
            small /= 100
        }
        if index > 0 { unsafe start.pointee = UInt8(truncatingIfNeeded: 48 + small % 10) }
    }

    @inline(always)
    private static func put(_ pair: UInt32, at target: UnsafeMutablePointer<UInt8>) {
        unsafe UnsafeMutableRawPointer(target).copyMemory(from: LineCursor.pairs + Int(pair) * 2, byteCount: 2)
    }
}

extension LineCursor {
    /// `00` to `99`.
    @inline(always)
    static var pairs: UnsafePointer<UInt8> { unsafe pairText.utf8Start }

    /// `0` to `255`, each with its length behind it, in four bytes.
    @inline(always)
    static var octets: UnsafePointer<UInt8> { unsafe octetText.utf8Start }

    @inline(always)
    private static var pairText: StaticString {
        """
        000102030405060708091011121314151617181920212223242526272829303132333435363738394041424344454647\
        484950515253545556575859606162636465666768697071727374757677787980818283848586878889909192939495\
        96979899
        """
    }

    @inline(always)
    private static var octetText: StaticString {
        """
        0  11  12  13  14  15  16  17  18  19  110 211 212 213 214 215 216 217 218 219 220 221 222 223 2\
        24 225 226 227 228 229 230 231 232 233 234 235 236 237 238 239 240 241 242 243 244 245 246 247 2\
        48 249 250 251 252 253 254 255 256 257 258 259 260 261 262 263 264 265 266 267 268 269 270 271 2\
        72 273 274 275 276 277 278 279 280 281 282 283 284 285 286 287 288 289 290 291 292 293 294 295 2\
        96 297 298 299 210031013102310331043105310631073108310931103111311231133114311531163117311831193\
        120312131223123312431253126312731283129313031313132313331343135313631373138313931403141314231433\
        144314531463147314831493150315131523153315431553156315731583159316031613162316331643165316631673\
        168316931703171317231733174317531763177317831793180318131823183318431853186318731883189319031913\
        192319331943195319631973198319932003201320232033204320532063207320832093210321132123213321432153\
        216321732183219322032213222322332243225322632273228322932303231323232333234323532363237323832393\
        2403241324232433244324532463247324832493250325132523253325432553
        """
    }
}
